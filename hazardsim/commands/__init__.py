"""The commands by name; two words are a group and a command of it. Each is a frozen dataclass with `run()`."""

from __future__ import annotations

from typing import Final, Protocol

from hazardsim.commands.assets_add import AssetsAdd
from hazardsim.commands.assets_fetch import AssetsFetch
from hazardsim.commands.assets_list import AssetsList
from hazardsim.commands.merge import Merge
from hazardsim.commands.render import Render
from hazardsim.commands.serve import Serve
from hazardsim.commands.show import Show
from hazardsim.commands.towns import Towns


class Command(Protocol):
    """What the command line asks of a command; its fields are the options, its docstring the help."""

    def run(self) -> int:
        """Does it and returns the exit code."""


GROUPS: Final = {"assets": "Fetch, list and add anomaly models."}
"""What the help says of each first word that several commands share."""

COMMANDS: Final[dict[str, type[Command]]] = {
    "render": Render,
    "merge": Merge,
    "serve": Serve,
    "show": Show,
    "towns": Towns,
    "assets fetch": AssetsFetch,
    "assets list": AssetsList,
    "assets add": AssetsAdd,
}
