"""The command `ood_eval`: commands to a command line. Heavy packages are imported when a command runs."""

from __future__ import annotations

import logging
import os
import select
import sys
import traceback
from typing import Annotated, Any, Union

import tyro

from ood_eval.commands import COMMANDS, GROUPS, Command
from ood_eval.errors import OodEvalError
from ood_eval.repeated_options import joined, list_options


def main() -> int:
    """Runs a command; 0 done, 1 an expected error (one line on stderr), 2 wrong usage, 141 the reader has left."""
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        if not _reader_left():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed at exit
        return 141
    return code


def _run() -> int:
    if sys.argv[1:] == ["--version"]:
        from ood_eval.release import __version__

        sys.stdout.write(f"ood_eval {__version__}\n")
        return 0
    try:
        arguments = joined(sys.argv[1:], list_options(COMMANDS.values()))
    except ValueError as error:
        sys.stderr.write(f"ood_eval: {error}\n")
        return 2
    command: Command = tyro.cli(
        _subcommands(""),
        prog="ood_eval",
        args=arguments,
        description="Trains segmenters and measures which detectors find what they have never seen. "
        "`ood_eval --version` says which version this is; OOD_EVAL_DEBUG=1 shows the traceback of an error.",
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.captureWarnings(capture=True)
    # Read when torch is first imported: waiting threads sleep, so a step on a busy machine is 3 to 5 times faster.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        command.run()
    except OodEvalError as error:
        if os.environ.get("OOD_EVAL_DEBUG"):
            traceback.print_exc()
        sys.stderr.write(f"ood_eval: {_one_line(error)}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("ood_eval: interrupted; the same command continues where it stopped\n")
        return 130
    return 0


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


def _one_line(error: OodEvalError) -> str:
    """The message alone, also of an error that a reading process passed on with its traceback."""
    last = str(error).strip().splitlines()[-1]
    return last.removeprefix(f"{type(error).__module__}.{type(error).__qualname__}: ")


def _reader_left() -> bool:
    """Whether who read standard output has closed it, as `head` does."""
    if sys.platform != "linux":
        return False
    watch = select.poll()
    watch.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in watch.poll(0))


if __name__ == "__main__":
    sys.exit(main())
