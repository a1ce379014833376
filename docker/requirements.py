"""Prints the dependencies that pyproject.toml declares, one a line: the base ones, or those of extras. Python 3.11."""

import sys
from pathlib import Path

import tomllib

if __name__ == "__main__":
    project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
    extras = sys.argv[2:]
    wanted = [line for name in extras for line in project["optional-dependencies"][name]] or project["dependencies"]
    sys.stdout.write("".join(f"{line}\n" for line in wanted))
