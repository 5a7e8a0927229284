"""Other tools that send many prompts to a model, side by side: same server, same prompts.

    python benchmarks/completion_peers.py --work WORK

Each tool runs in a process and an environment of its own, made under WORK with pip at the first run,
against the load server on loopback. CPU is that of the tool's processes by the operating system's
accounting. CPU a call and calls a second leave out what starting costs: they are the slope between a tenth of
the calls and all. "Asked" is how many requests the server counted in the whole run. With 64 at a time and a
latency of 0.1 s no tool can do more than 640 calls a second.
"""

import argparse
import importlib
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from load_server import LoadServer
from measured_process import Cost, environment, per_call, prompts, run_measured, version_of

TOKENS = 60  # asked for in every call
Run = Callable[[str, int, int, Path], Cost]  # the server's URL, calls, concurrency, an empty folder


@dataclass(frozen=True, slots=True)
class Contestant:
    """One row of the table: its name, and how to run it."""

    name: str
    run: Run


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool on the package index: what to install, and the function that drives it in its environment."""

    package: str
    installs: tuple[str, ...]
    drive: Callable[[str, int, int, Path], int]

    def contestant(self, work: Path) -> Contestant:
        """Make its environment; name it with its version."""
        python = environment(work, self.package, self.installs)

        def run(url: str, n: int, concurrency: int, folder: Path) -> Cost:
            command = [python, __file__, "drive", self.package, url, str(n), str(concurrency), str(folder)]
            return run_measured(command, seconds=600, environ=quiet(folder))

        return Contestant(f"{self.package} {version_of(python, self.package)}", run)


def quiet(folder: Path) -> dict[str, str]:
    """The environment variables of a peer: caches in ``folder``, nothing asked of or told to the network."""
    return {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
        "OPENAI_API_KEY": "none",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "TELEMETRY_ENABLED": "false",
        "NEMO_TELEMETRY_ENABLED": "false",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
    }


def openai_sdk(url: str, n: int, concurrency: int, folder: Path) -> int:
    """AsyncOpenAI and a semaphore, as its users write it."""
    asyncio, openai = importlib.import_module("asyncio"), importlib.import_module("openai")

    async def ask_all() -> int:
        gate = asyncio.Semaphore(concurrency)
        async with openai.AsyncOpenAI(base_url=url) as client:

            async def ask(prompt: str) -> str | None:
                async with gate:
                    messages = [{"role": "user", "content": prompt}]
                    said = await client.chat.completions.create(
                        model="any", messages=messages, max_tokens=TOKENS
                    )
                    text: str | None = said.choices[0].message.content
                    return text

            return sum(map(bool, await asyncio.gather(*map(ask, prompts(n)))))

    result: int = asyncio.run(ask_all())
    return result


def distilabel(url: str, n: int, concurrency: int, folder: Path) -> int:
    """A pipeline of one TextGeneration; a batch is what it sends at a time."""
    models = importlib.import_module("distilabel.models")
    steps = importlib.import_module("distilabel.steps")
    tasks = importlib.import_module("distilabel.steps.tasks")
    pipelines = importlib.import_module("distilabel.pipeline")
    generation = {"max_new_tokens": TOKENS}
    with pipelines.Pipeline(name="peers", cache_dir=folder / "cache") as pipeline:
        data = [{"instruction": prompt} for prompt in prompts(n)]
        load = steps.LoadDataFromDicts(data=data, batch_size=concurrency)
        llm = models.OpenAILLM(model="any", base_url=url, api_key="none", generation_kwargs=generation)
        load >> tasks.TextGeneration(llm=llm, input_batch_size=concurrency)
    rows = pipeline.run(use_cache=False)["default"]["train"]
    return sum(map(bool, rows["generation"]))


def curator(url: str, n: int, concurrency: int, folder: Path) -> int:
    """Curator's LLM with its openai backend and limits out of the way."""
    # curator counts tokens with a table that it would fetch; litellm, which it installs, has a copy.
    importlib.import_module("litellm.litellm_core_utils.default_encoding")
    llm_module = importlib.import_module("bespokelabs.curator.llm.llm")
    limits = {"max_requests_per_minute": 10**9, "max_tokens_per_minute": 10**12}
    llm = llm_module.LLM(
        model_name="any",
        backend="openai",
        generation_params={"max_tokens": TOKENS},
        backend_params={"base_url": url, "max_concurrent_requests": concurrency, **limits},
    )
    rows = llm(prompts(n), working_dir=str(folder / "runs")).dataset
    return sum(map(bool, rows["response"]))


def data_designer(url: str, n: int, concurrency: int, folder: Path) -> int:
    """A dataset of one text column over seed rows, with one row group for all."""
    config: Any = importlib.import_module("data_designer.config")
    interface = importlib.import_module("data_designer.interface")
    pandas = importlib.import_module("pandas")
    parameters = config.ChatCompletionInferenceParams(max_tokens=TOKENS, max_parallel_requests=concurrency)
    model = config.ModelConfig(
        alias="stub", model="any", provider="stub", inference_parameters=parameters, skip_health_check=True
    )
    builder = config.DataDesignerConfigBuilder(model_configs=[model])
    builder.with_seed_dataset(config.DataFrameSeedSource(df=pandas.DataFrame({"text": prompts(n)})))
    builder.add_column(config.LLMTextColumnConfig(name="persona", model_alias="stub", prompt="{{ text }}"))
    provider = config.ModelProvider(name="stub", endpoint=url, api_key="none")
    designer = interface.DataDesigner(folder / "artifacts", model_providers=[provider])
    designer.set_run_config(config.RunConfig(buffer_size=n, otel_metrics_port=None))
    made = designer.create(builder, num_records=n).load_dataset()
    return int(made["persona"].astype(bool).sum())


PEERS = (
    Peer("openai", ("openai",), openai_sdk),
    Peer("distilabel", ("distilabel[openai]", "requests"), distilabel),
    Peer("bespokelabs-curator", ("bespokelabs-curator",), curator),
    Peer("data-designer", ("data-designer",), data_designer),
)


def compare(contestants: list[Contestant], n: int, concurrency: int, latency: float) -> None:
    """Run every contestant and print a table."""
    print(f"{n:,} calls, {concurrency} at a time, latency {latency:g} s, Python {platform.python_version()}")
    print("| | wall s | calls/s | CPU ms a call | CPU s in all | peak MB | asked |")
    print("|---|---|---|---|---|---|---|")
    for contestant in contestants:
        with LoadServer(latency=latency) as server, tempfile.TemporaryDirectory() as work:

            def run(n: int, contestant: Contestant = contestant, url: str = server.url) -> Cost:
                server.reset()
                folder = Path(work) / str(n)
                folder.mkdir()
                return contestant.run(url, n, concurrency, folder)

            try:
                cost = per_call(run, n)
            except RuntimeError as error:
                print(f"| {contestant.name} | failed |", flush=True)
                print(error, file=sys.stderr)
                continue
            asked = server.stats()["requests"]
        cells = f"{cost.whole.wall:.1f} | {cost.calls_per_second:,.0f} | {cost.cpu_ms:.2f}"
        cells += f" | {cost.whole.cpu:.1f} | {cost.whole.resident:.0f} | {asked:,}"
        print(f"| {contestant.name} | {cells} |", flush=True)


def main() -> None:
    """Read the command line; compare, or drive one peer in its own process."""
    if sys.argv[1:2] == ["drive"]:
        package, url, n, concurrency, folder = sys.argv[2:]
        peer = next(peer for peer in PEERS if peer.package == package)
        answered = peer.drive(url, int(n), int(concurrency), Path(folder))
        if answered != int(n):
            raise SystemExit(f"{answered} of {n} prompts were answered")
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="a folder for the environments")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds")
    parser.add_argument("--peers", nargs="*", default=[peer.package for peer in PEERS])
    args = parser.parse_args()
    # Here, since the peers run this file in environments without us.
    from completion_engine import ours

    contestants = [Contestant("personahub", ours)]
    contestants += [peer.contestant(args.work) for peer in PEERS if peer.package in args.peers]
    compare(contestants, args.calls, args.concurrency, args.latency)


if __name__ == "__main__":
    main()
