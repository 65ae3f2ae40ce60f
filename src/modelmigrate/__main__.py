"""`python -m modelmigrate` is `modelmigrate`."""

import sys

from modelmigrate.cli import main

sys.exit(main())
