"""``python -m interdance.cli``."""

from interdance.cli.commands import main

main()
