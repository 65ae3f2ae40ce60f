"""Before the questions: name the tools that are missing, while it is cheap to stop."""

import shutil
import sys

TOOLS = {
    "uv": "without it nothing is installed and the first migration waits (pip install uv)",
    "git": "without it there is no first commit",
    "make": "without it, type the commands that stand in the Makefile",
}


def main() -> None:
    for tool, consequence in TOOLS.items():
        if not shutil.which(tool):
            print(f"note: {tool} is not installed: {consequence}", file=sys.stderr)


if __name__ == "__main__":
    main()
