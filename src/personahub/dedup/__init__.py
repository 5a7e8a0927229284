"""Deduplication: which texts are alike, word by word (surface) or in meaning (semantic)."""

from personahub.dedup.banding import Banding
from personahub.dedup.minhash import MinHash, MinHashDuplicates, minhash_duplicates
from personahub.dedup.semantic import SemanticEdges, semantic_edges
from personahub.dedup.surface import MEMORY, SurfaceDuplicates, surface_duplicates
from personahub.dedup.views import Chosen, View, choose, choose_below

__all__ = [
    "MEMORY",
    "Banding",
    "Chosen",
    "MinHash",
    "MinHashDuplicates",
    "SemanticEdges",
    "SurfaceDuplicates",
    "View",
    "choose",
    "choose_below",
    "minhash_duplicates",
    "semantic_edges",
    "surface_duplicates",
]
