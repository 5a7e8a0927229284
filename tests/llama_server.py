"""llama.cpp's own HTTP server with real weights, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CODE = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.verbosity, params.warmup = sys.argv[1], 0, False
params.hostnames, params.port = ["127.0.0.1"], 0
exec(sys.argv[2])
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@contextmanager
def running(model: str, settings: str) -> Iterator[str]:
    """Its base address while the block runs.

    Args:
        model: path of the weights.
        settings: Python that sets more of ``params``.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _CODE, model, settings],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "GOMP_SPINCOUNT": "2000"},
    ) as process:
        assert process.stdout
        said = process.stdout.readline().strip()
        yield f"{said if '://' in said else f'http://{said}'}/v1"
        process.kill()
