"""The way in: `modelmigrate`, and `python -m modelmigrate`."""

import gc
import sys
from contextlib import ExitStack

NEED_MODELS = (["create"], ["check"])


def main() -> int:
    """Run the command that was typed. The models are loaded from the start where it needs them: all
    else that has to be imported, or started, is there before they are."""
    gc.set_threshold(200_000)  # a command is short: to look for garbage takes a tenth of its time
    with ExitStack() as meanwhile:
        if sys.argv[1:2] in NEED_MODELS:
            from modelmigrate.models.ddl import models_being_loaded

            meanwhile.enter_context(models_being_loaded())
        from modelmigrate import cli

        code = cli.main()
    gc.freeze()  # all of it goes with the process: to look for garbage at the end takes as long again
    return code


if __name__ == "__main__":
    sys.exit(main())
