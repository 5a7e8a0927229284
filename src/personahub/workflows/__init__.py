"""One file a verb: steps joined to the hub. This is the Python API; ``personahub`` gives it again."""
