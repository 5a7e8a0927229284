"""TRL trains on exported chats and preferences; only where PyTorch is, which these tests alone need."""

from importlib import import_module
from pathlib import Path
from typing import Any

import datasets
import pytest

from personahub import Hub, export_dataset
from test_trainer_forms import solution, verdict

TEMPLATE = (
    "{% for message in messages %}[{{ message.role }}] {{ message.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """Solutions of four problems, each with one that a check rejected."""
    hub = Hub.create(tmp_path / "hub")
    for number in range(4):
        right, wrong = (
            solution(f"It is {said} of {number}.", f"How is {number}?") for said in ("odd", "red")
        )
        hub.records.add([right, wrong])
        hub.verdicts.add([verdict(right, "passed"), verdict(wrong, "failed")])
    return hub.path


def loaded(hub: Path, form: str, folder: Path) -> Any:
    file = folder / f"{form}.jsonl"
    export_dataset(hub, "solutions", file, form=form)
    return datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(folder / "cache"))


def small_parts(folder: Path) -> tuple[str, Any]:
    """The path of a model of random weights, and a tokenizer of bytes with a chat template."""
    tokenizers, transformers = import_module("tokenizers"), import_module("transformers")
    tokenizer = tokenizers.ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(["What is it?"], vocab_size=300, special_tokens=["</s>", "<pad>"])
    names = {"eos_token": "</s>", "pad_token": "<pad>", "chat_template": TEMPLATE}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer._tokenizer, **names)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.LlamaConfig(vocab_size=len(fast), num_key_value_heads=2, **sizes)
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder), fast


@pytest.mark.gpu
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("form", "trainer"), [("messages", "SFT"), ("preferences", "DPO")])
def test_trl_trains_on_what_was_exported(hub: Path, tmp_path: Path, form: str, trainer: str) -> None:
    trl = import_module("trl")
    model, tokenizer = small_parts(tmp_path / "model")
    settings = getattr(trl, f"{trainer}Config")(
        output_dir=str(tmp_path / "out"),
        max_steps=1,
        use_cpu=True,
        bf16=False,
        report_to=[],
        save_strategy="no",
    )
    rows = loaded(hub, form, tmp_path)
    assert len(rows) == 4
    training = getattr(trl, f"{trainer}Trainer")(
        model=model, args=settings, train_dataset=rows, processing_class=tokenizer
    )
    training.train()
    assert training.state.global_step == 1
