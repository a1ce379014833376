"""The command line: puts the commands together and runs the one that was asked for."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import tyro

from hazardsim.commands.assets_fetch import AssetsFetch
from hazardsim.commands.assets_list import AssetsList
from hazardsim.commands.merge import Merge
from hazardsim.commands.render import Render
from hazardsim.commands.serve import Serve
from hazardsim.commands.show import Show
from hazardsim.commands.towns import Towns
from hazardsim.errors import HazardsimError

Command = (
    Annotated[Render, tyro.conf.subcommand("render")]
    | Annotated[Merge, tyro.conf.subcommand("merge")]
    | Annotated[Serve, tyro.conf.subcommand("serve")]
    | Annotated[Show, tyro.conf.subcommand("show")]
    | Annotated[Towns, tyro.conf.subcommand("towns")]
    | Annotated[
        Annotated[AssetsFetch, tyro.conf.subcommand("fetch")] | Annotated[AssetsList, tyro.conf.subcommand("list")],
        tyro.conf.subcommand("assets", description="Fetch and list anomaly models."),
    ]
)


def main(arguments: list[str] | None = None) -> int:
    """Run a command: exit code 0 done, 1 expected error in one line on stderr, 2 wrong usage."""
    command = tyro.cli(Command, prog="hazardsim", args=arguments, config=(tyro.conf.FlagCreatePairsOff,))
    logging.basicConfig(level=logging.WARNING, format="hazardsim: %(message)s", stream=sys.stderr)
    logging.getLogger("hazardsim").setLevel(logging.INFO)
    try:
        return int(command.run())
    except HazardsimError as error:
        sys.stderr.write(f"hazardsim: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nhazardsim: interrupted; what is on disk is whole, the same command goes on from there\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
