"""Data sets on their way out: mixed with real data, split, exported with a card."""
