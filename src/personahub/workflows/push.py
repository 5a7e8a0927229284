"""``push``: an exported folder to the Hugging Face Hub, as one commit."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from personahub.corpus.card import CARD
from personahub.errors import UserError
from personahub.release.manifest import MANIFEST
from personahub.workflows.manifest import verify_manifest

__all__ = ["PushOutcome", "push"]


@dataclass(frozen=True)
class PushOutcome:
    """What a push came to.

    Attributes:
        repository: owner and name.
        url: where the commit can be seen.
        files: how many files it has.
        bytes: of all of them.
        private: whether the repository was made for its owner alone, if it was made now.
        signed: whether the manifest is.
        seconds: wall time.
    """

    repository: str
    url: str
    files: int
    bytes: int
    private: bool
    signed: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """What ``push --json`` prints."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def push(folder: Path | str, repository: str, *, public: bool = False) -> PushOutcome:
    """Give an exported folder to the Hugging Face Hub; all of it in one commit, or nothing.

    The repository of data sets is made where it is not there, private unless ``public``; one that is there
    keeps who can see it. Files of an earlier push that are not in the folder go. The token is the one that
    ``hf auth login`` keeps or ``HF_TOKEN`` has, the Hub's address ``HF_ENDPOINT``.

    Args:
        folder: what ``export --format huggingface`` wrote; every file has to be as its manifest says.
        repository: OWNER/NAME.
        public: make a new repository for everybody to see.

    Raises:
        UserError: the extra is not installed, the folder is none or was changed, or the Hub refuses.
    """
    start, path = time.monotonic(), Path(folder)
    if not (path / CARD).is_file() or not (path / MANIFEST).is_file():
        raise UserError(
            f"{path}: is no exported data set; personahub export DATASET --format huggingface writes one"
        )
    if repository.count("/") != 1:
        raise UserError(f"{repository}: is no repository; write OWNER/NAME")
    checked = verify_manifest(path, unsigned=True)
    if checked.faults:
        more = f" (and {len(checked.faults) - 1:,} more)" if len(checked.faults) > 1 else ""
        raise UserError(f"{path}: is not as its manifest says: {checked.faults[0]}{more}; export it again")
    url = _commit(path, repository, public)
    seconds = time.monotonic() - start
    signed = checked.signature is not None
    return PushOutcome(repository, url, checked.files, checked.bytes, not public, signed, seconds)


def _commit(folder: Path, repository: str, public: bool) -> str:
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils.tqdm import disable_progress_bars
    except ImportError as error:
        raise UserError("pushing needs an extra: pip install 'personahub[remote]'") from error
    disable_progress_bars()
    api = HfApi()
    try:
        api.create_repo(repository, repo_type="dataset", private=not public, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository,
            repo_type="dataset",
            folder_path=folder,
            commit_message="Upload with personahub",
            delete_patterns=["data/*", "assets/*", f"{MANIFEST}.sig"],
        )
    except HFValidationError as error:
        raise UserError(f"{repository}: is no repository's name ({_first(error)})") from error
    except OSError as error:
        raise UserError(_told(repository, error)) from error
    except Exception as error:
        # What carries the calls is a part of huggingface_hub that changed between its versions.
        if "httpx" not in type(error).__module__:
            raise
        told = f"{repository}: the Hub cannot be reached at {api.endpoint} ({_first(error)})"
        raise UserError(told) from error
    return str(commit.commit_url)


def _told(repository: str, error: OSError) -> str:
    """Why the Hub refused, in a user's words."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return f"{repository}: the Hub does not know you; hf auth login, or set HF_TOKEN"
    if status == 403:
        return f"{repository}: your token must not write there; take one that can, or another repository"
    return f"{repository}: cannot be pushed ({_first(error)})"


def _first(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
