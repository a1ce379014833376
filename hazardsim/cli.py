"""The command line: puts the commands together and runs the one that was asked for."""

from __future__ import annotations

import logging
import os
import select
import sys
from typing import Annotated, Any, Union

import tyro

from hazardsim.commands import COMMANDS, GROUPS, Command
from hazardsim.errors import HazardsimError
from hazardsim.repeated_options import joined, list_options


def main(arguments: list[str] | None = None) -> int:
    """Run a command: exit code 0 done, 1 expected error, a line on stderr, 2 wrong usage, 141 the reader has left."""
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_left():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed at exit
        return 141
    return code


def _run(given: list[str]) -> int:
    if given == ["--version"]:
        from hazardsim.release import __version__

        sys.stdout.write(f"hazardsim {__version__}\n")
        return 0
    try:
        words = joined(given, list_options(COMMANDS.values()))
    except ValueError as error:
        sys.stderr.write(f"hazardsim: {error}\n")
        return 2
    command: Command = tyro.cli(_subcommands(""), prog="hazardsim", args=words, config=(tyro.conf.FlagCreatePairsOff,))
    logging.basicConfig(level=logging.WARNING, format="hazardsim: %(message)s", stream=sys.stderr)
    logging.getLogger("hazardsim").setLevel(logging.INFO)
    try:
        return command.run()
    except HazardsimError as error:
        sys.stderr.write(f"hazardsim: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nhazardsim: interrupted; what is on disk is whole, the same command goes on from there\n")
        return 130


def _subcommands(group: str) -> Any:  # noqa: ANN401
    """The union type, as tyro reads it, of the commands of a group, or of all groups and commands beside them."""
    kinds: dict[str, Any] = {}
    for name, kind in COMMANDS.items():
        head, _, tail = name.rpartition(" ")
        if head == group:
            kinds[tail] = Annotated[kind, tyro.conf.subcommand(tail)]
        elif not group and head not in kinds:
            kinds[head] = Annotated[_subcommands(head), tyro.conf.subcommand(head, description=GROUPS[head])]
    if len(kinds) == 1:  # a union of one is no union: its command would lose its name
        kinds[""] = Annotated[None, tyro.conf.Suppress]
    return Union[tuple(kinds.values())]  # noqa: UP007


def _reader_left() -> bool:
    """Whether who read standard output has closed it, as `head` does."""
    if sys.platform != "linux":
        return False
    watch = select.poll()
    watch.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in watch.poll(0))


if __name__ == "__main__":
    sys.exit(main())
