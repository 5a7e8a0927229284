"""Deduplication: which texts are alike, word by word (surface) or in meaning (semantic)."""

from personahub.dedup.semantic import SemanticEdges, semantic_edges
from personahub.dedup.surface import MEMORY, SurfaceDuplicates, surface_duplicates
from personahub.dedup.views import Chosen, View, choose, choose_below

__all__ = [
    "MEMORY",
    "Chosen",
    "SemanticEdges",
    "SurfaceDuplicates",
    "View",
    "choose",
    "choose_below",
    "semantic_edges",
    "surface_duplicates",
]
