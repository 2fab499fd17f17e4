"""``python -m cclcc_cli``."""

from cclcc_cli.cli.app import main

main()
