"""Runs the command line: ``python -m personahub``."""

from personahub.cli import main

if __name__ == "__main__":
    main()
