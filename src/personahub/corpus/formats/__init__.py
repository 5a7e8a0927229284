"""The formats: a file's content in, its texts out, in their order."""
