"""What calls cost, by the user's own file or by the published prices."""

from pathlib import Path

import pytest

from personahub.completion import Price, find_price
from personahub.errors import UserError
from personahub.models import Usage

OPENAI = "https://api.openai.com/v1"


def test_a_published_price_is_found_by_model_and_address() -> None:
    price = find_price("gpt-4o-mini", OPENAI)
    assert price == Price(0.15, 0.075, 0.6)
    assert price.cost(Usage(1_000_000, 0, 0)) == pytest.approx(0.15)
    assert price.cost(Usage(1_000_000, 1_000_000, 1_000_000)) == pytest.approx(0.075 + 0.6)


@pytest.mark.parametrize(
    ("model", "provider"),
    [("gpt-4o-mini", "http://127.0.0.1:8000/v1"), ("no-such-model", OPENAI), ("qwen", "unix:/run/llm.sock")],
)
def test_a_price_that_nobody_knows_is_none_and_not_nothing(model: str, provider: str) -> None:
    assert find_price(model, provider) is None


def test_a_model_in_this_process_costs_nothing() -> None:
    price = find_price("qwen2.5-coder-1.5b", "")
    assert price is not None
    assert price.cost(Usage(10_000, 0, 10_000)) == 0.0


def test_the_users_own_price_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("gpt-4o-mini: {input: 10, output: 20}\nmy-model: {input: 1, cached: 0.5, output: 2.5}\n")
    assert find_price("gpt-4o-mini", OPENAI, file) == Price(10.0, 10.0, 20.0)
    assert find_price("my-model", "http://127.0.0.1:8000/v1", file) == Price(1.0, 0.5, 2.5)
    assert find_price("another", "http://127.0.0.1:8000/v1", file) is None


def test_cached_tokens_cost_what_the_price_says(tmp_path: Path) -> None:
    assert Price(4.0, 1.0, 10.0).cost(Usage(1000, 750, 100)) == pytest.approx((250 * 4 + 750 + 1000) / 1e6)


def test_more_cached_tokens_than_there_are_make_nothing_cheaper() -> None:
    price = Price(4.0, 1.0, 10.0)
    assert price.cost(Usage(100, 5000, 0)) == price.cost(Usage(100, 100, 0))


@pytest.mark.parametrize("usage", [Usage(), Usage(prompt_tokens=5), Usage(completion_tokens=5)])
def test_a_call_whose_tokens_were_not_told_has_no_cost(usage: Usage) -> None:
    assert Price(1.0, 1.0, 1.0).cost(usage) is None


def test_prices_that_rise_with_the_prompt_are_followed() -> None:
    price = find_price("gemini-2.5-pro", "https://generativelanguage.googleapis.com/v1beta/openai")
    assert price is not None
    short, long = (price.cost(Usage(tokens, 0, 0)) for tokens in (100_000, 300_000))
    assert short
    assert long
    assert long > 3 * short
    assert price.most(300_000, 0) == pytest.approx(long)


@pytest.mark.parametrize(
    "content",
    [
        "just words",
        "- a\n- list\n",
        "m: 7\n",
        "m: {input: 1}\n",
        "m: {output: 1}\n",
        "m: {input: cheap, output: 1}\n",
        "m: {input: [1], output: 1}\n",
        "m: {input: 1, output: }\n",
        "m: {input: 1, output: 1\n",
        "",
    ],
)
def test_a_file_that_holds_no_prices_is_one_clear_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(content)
    with pytest.raises(UserError) as error:
        find_price("m", OPENAI, file)
    message = str(error.value)
    assert str(file) in message
    assert "{input: DOLLARS" in message
    assert "\n" not in message


@pytest.mark.parametrize("amount", ["-1", ".nan", ".inf", "true"])
def test_a_price_that_is_no_amount_is_refused(tmp_path: Path, amount: str) -> None:
    """Not a number would switch a ceiling off, since nothing is above it."""
    file = tmp_path / "prices.yaml"
    file.write_text(f"m: {{input: {amount}, output: 1}}\n")
    with pytest.raises(UserError, match="holds no prices"):
        find_price("m", OPENAI, file)


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="prices cannot be read"):
        find_price("m", OPENAI, tmp_path / "none.yaml")


def test_a_file_in_no_utf_8_is_one_clear_line(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_bytes(b"\xff\xfem: {input: 1, output: 1}\n")
    with pytest.raises(UserError, match="holds no prices"):
        find_price("m", OPENAI, file)
