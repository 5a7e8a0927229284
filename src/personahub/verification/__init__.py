"""Verification: whether what was made is sound, and no copy."""
