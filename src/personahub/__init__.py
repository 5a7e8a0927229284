"""Personas from text, and diverse, traceable synthetic data from personas."""

__version__ = "0.1.0"
