"""Deduplication: which texts are alike, word by word (surface) or in meaning (semantic)."""
