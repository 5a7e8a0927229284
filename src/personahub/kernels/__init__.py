"""Kernels: what several steps do to the words of many texts."""
