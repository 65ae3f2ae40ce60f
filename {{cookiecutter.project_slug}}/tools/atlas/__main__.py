"""`python -m tools.atlas` prints the path of the Atlas binary, which it builds when needed."""

import sys

from tools.atlas import binary
from tools.errors import ToolError

try:
    print(binary())
except ToolError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.code)
except KeyboardInterrupt:
    print("\ninterrupted. Nothing was left; the next run starts anew.", file=sys.stderr)
    sys.exit(130)
