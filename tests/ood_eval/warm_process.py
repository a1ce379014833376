"""A process that has the heavy packages loaded and forks for every command, which then starts in no time.

What is forked is a process of its own, with its own session, folder, environment and output: it can be killed like one
that was started by hand. It reads requests as JSON lines and answers with a process id, then with an exit status.
"""

import json
import os
import sys
import traceback


def run(request: dict) -> None:
    """In the forked process: become the command."""
    os.setsid()
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    os.chdir(request["cwd"])
    sys.argv = ["ood_eval", *request["arguments"]]
    status = 1
    try:
        exec(request["before"], {})  # noqa: S102
        from ood_eval.cli import main

        status = main()
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    except BaseException:  # noqa: BLE001 - as the interpreter would end
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def serve() -> None:
    """Forks for each request until there are no more."""
    import lightning  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import segmentation_models_pytorch  # noqa: F401
    import torch

    import ood_eval.engine.campaign
    import ood_eval.report.write  # noqa: F401

    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(json.loads(line))
        answers.write(f"{child}\n")
        answers.flush()
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        answers.flush()


if __name__ == "__main__":
    serve()
