"""`python -m irc.cli`, where the command is not on the path."""

import sys

from irc.cli import main

sys.exit(main())
