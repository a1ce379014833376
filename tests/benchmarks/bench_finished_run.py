"""CPU seconds of a run that is finished: `python bench_finished_run.py SUITE-OPTIONS`, as of `ood_eval run-caos`.

The options must be those of a run that was done before; the command is run five times and each answer is measured.
"""

from __future__ import annotations

import os
import subprocess
import sys


def main() -> None:
    command = [sys.executable, "-c", "import sys; from ood_eval.cli import main; sys.exit(main())", "run-caos"]
    for _ in range(5):
        before = os.times()
        done = subprocess.run([*command, *sys.argv[1:]], capture_output=True, text=True, check=True)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        finished = "already done; report" in done.stderr
        sys.stdout.write(f"{spent:.2f} CPU seconds, {'finished' if finished else 'NOT finished before'}\n")


if __name__ == "__main__":
    main()
