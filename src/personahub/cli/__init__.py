"""The command line: one thin file a verb, over the workflows."""

from personahub.cli.app import main

__all__ = ["main"]
