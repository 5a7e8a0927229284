"""How should llama.cpp's OpenMP threads wait? Tokens a second, quiet and with every core busy.

    python benchmarks/thread_waiting.py --model PATH.gguf

Each setting runs in a process of its own, because OpenMP reads it when it is loaded; each line gives
prompt and generated tokens a second of three requests. The busy rows run beside one endless loop a core.
"""

import argparse
import os
import subprocess
import sys

SETTINGS = (
    {"OMP_WAIT_POLICY": "passive"},
    {"GOMP_SPINCOUNT": "2000"},
    {"GOMP_SPINCOUNT": "20000"},
    {"OMP_WAIT_POLICY": "active"},
)
PROBE = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel = sys.argv[1], 4096, 1
params.warmup, params.verbosity, params.cache_ram_mib = False, 0, 0
server = xllamacpp.Server(params)
text = "The harbour trustees sold eleven hulls last autumn and the owners complained to the council. " * 30
for number in range(3):
    chat = [{"role": "user", "content": f"{number} {text} Write a long story."}]
    asked = {"messages": chat, "max_tokens": 60, "temperature": 0.5, "seed": 1}
    timings = server.handle_chat_completions(asked)["timings"]
    print(f"{timings['prompt_per_second']:.0f}/{timings['predicted_per_second']:.1f}", end="  ")
"""


def main() -> None:
    """Measure every setting, quiet and busy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True, help="a GGUF file")
    model = parser.parse_args().model
    for busy in (False, True):
        loops = [
            subprocess.Popen([sys.executable, "-c", "while True: pass"])
            for _ in range((os.cpu_count() or 1) if busy else 0)
        ]
        try:
            for setting in SETTINGS:
                done = subprocess.run(
                    [sys.executable, "-c", PROBE, model],
                    env={**os.environ, **setting},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    check=True,
                )
                print("busy " if busy else "quiet", setting, done.stdout, flush=True)
        finally:
            for loop in loops:
                loop.kill()


if __name__ == "__main__":
    main()
