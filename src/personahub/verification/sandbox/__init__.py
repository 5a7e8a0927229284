"""Runs generated code where it can do no harm: no network, no secrets, bounded in everything.

A run costs some 10 ms more than Python's own start, because thousands of small programs are checked one
after another: no container, no daemon, no image. Linux only; where a part of the wall is
missing the code is not run at all. ``docs/sandbox.md`` has the threat model.
"""

from personahub.verification.sandbox.limits import Limits, SandboxRun, Status
from personahub.verification.sandbox.sandbox import Sandbox

__all__ = ["Limits", "Sandbox", "SandboxRun", "Status"]
