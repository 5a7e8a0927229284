"""Meanings on a GPU: the same pairs as without one, and one clear line where there is none.

Where PyTorch finds no CUDA device, what is marked ``gpu`` runs the same code on the processor.
"""

import sys
from pathlib import Path

import numpy as np
import pytest

from commands import Run, one_line_error
from hubs import hub_of
from personahub import deduplicate
from personahub.dedup import clusters, semantic_edges
from personahub.errors import UserError
from personahub.kernels.cuda import CudaProducts
from test_clusters import all_pairs, read, vectors_of


def device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@pytest.mark.gpu
def test_a_gpu_finds_the_pairs_that_are_found_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CudaProducts, "rows", (64, 512))
    vectors = vectors_of(2000, seed=1)
    found = semantic_edges(vectors, 0.6, products=CudaProducts(device()))
    assert found.search.recall == 1
    assert read(found) == all_pairs(vectors, 0.6)


@pytest.mark.gpu
def test_a_gpu_finds_the_pairs_of_new_vectors_only() -> None:
    vectors = vectors_of(1000, seed=2)
    edges = read(semantic_edges(vectors, 0.6, since=700, products=CudaProducts(device())))
    assert edges == {pair: near for pair, near in all_pairs(vectors, 0.6).items() if pair[1] >= 700}


@pytest.mark.gpu
def test_a_gpu_compares_within_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CudaProducts, "all_pairs", 0)
    monkeypatch.setattr("personahub.dedup.semantic._WORTH", 0)
    monkeypatch.setattr(clusters, "_ROWS", 64)
    vectors = vectors_of(2000, seed=3, spread=0.6)
    found = semantic_edges(vectors, 0.7, products=CudaProducts(device()))
    edges, every = read(found), all_pairs(vectors, 0.7)
    assert found.search.clusters > 0
    assert edges.items() <= every.items()
    assert len(edges) / len(every) >= 0.98


@pytest.mark.gpu
def test_vectors_of_zeros_and_of_no_numbers_are_like_none() -> None:
    vectors = np.ones((4, 32), np.float16)
    vectors[1], vectors[2] = 0, np.nan
    assert read(semantic_edges(vectors, 0.5, products=CudaProducts(device()))) == {(0, 3): 1.0}


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with weights by chance: real in form, and small."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "baker", "nurse", "farmer", "who", "sings"]
    (folder / "vocab.txt").write_text("\n".join(words))
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), **shape)).save_pretrained(folder / "bert")
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    bert = Transformer(str(folder / "bert"))
    SentenceTransformer(modules=[bert, Pooling(16)], device="cpu").save(str(folder / "model"))
    return folder / "model"


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore")
def test_a_model_of_sentence_transformers_embeds(tiny_model: Path) -> None:
    from personahub.models.transformer_encoder import TransformerEncoder

    encoder = TransformerEncoder(str(tiny_model), device())
    vectors = encoder.embed(["a baker who sings", "a nurse", "a baker who sings"])
    assert vectors.shape == (3, encoder.dimensions) == (3, 16)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1]
    assert encoder.embed([]).shape == (0, 16)


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore")
def test_a_model_that_cannot_be_loaded_is_told_of_in_one_line(tmp_path: Path) -> None:
    from personahub.models.transformer_encoder import TransformerEncoder

    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match=f"^{tmp_path}: sentence-transformers cannot load this model"):
        TransformerEncoder(str(tmp_path), device())


@pytest.mark.gpu
def test_no_cuda_device_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"a GPU cannot be used: PyTorch .* without a GPU"):
        CudaProducts()


def test_without_pytorch_a_gpu_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _ = hub_of(tmp_path / "hub", ["a baker"])
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match=r"a GPU cannot be used .*personahub\[gpu\]"):
        deduplicate(hub.path, gpu=True)
    assert hub.embeddings.count() == 0


def test_without_pytorch_its_models_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    hub, _ = hub_of(tmp_path / "hub", ["a baker"])
    monkeypatch.setitem(sys.modules, "torch", None)
    told = one_line_error(run("dedup", "--hub", hub.path, "--embeddings", "sentence-transformers:some-model"))
    assert "pip install 'personahub[gpu]'" in told
