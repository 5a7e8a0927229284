"""Weights from the model hub: one file over HTTP, resumed from the byte where it broke off.

Standard library only, so that fetching needs nothing installed. A broken transfer is taken up again
for as long as each try brings new bytes; the partial file stays for the next call otherwise.
"""

import http.client
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit

from personahub import __version__
from personahub.models.catalog import CatalogEntry
from personahub.models.files import (
    FetchError,
    Progress,
    byte_limit,
    check_space,
    disk_errors,
    redact,
    size_of,
)

__all__ = ["DEFAULT_ENDPOINT", "download"]

DEFAULT_ENDPOINT = "https://huggingface.co"
"""The model hub, where ``$HF_ENDPOINT`` names no other."""

_TIMEOUT = 10.0  # seconds to connect, and for each wait for more bytes
_CHUNK = 1 << 18
_PAUSE = 0.2  # seconds before a broken transfer is taken up again


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects; the token goes along only to the host it was given for."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        follow = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.get_header("Authorization")
        if follow and token and _origin(req.full_url) == _origin(newurl):
            follow.add_unredirected_header("Authorization", token)
        return follow


def download(entry: CatalogEntry, partial: Path, progress: Progress | None = None) -> None:
    """Fetch a model's file into ``partial``, going on from the bytes that are there.

    Returns when the server has sent the whole file; whether it is the right one is for the caller
    to check. Proxies are taken from the environment as usual, and ``$HF_TOKEN`` is sent when set.

    Raises:
        FetchError: The model hub gave no whole file; ``partial`` is kept.
        UserError: The disk is full or cannot be written.
    """
    if entry.repo is None:
        raise FetchError("no copy of this file is known there")
    endpoint = (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
    if not endpoint.startswith(("http://", "https://")):
        raise FetchError("HF_ENDPOINT is not an http:// or https:// address")
    check_space(partial.parent, entry.size - size_of(partial))
    url = f"{endpoint}/{quote(entry.repo)}/resolve/main/{quote(entry.file)}"
    opener = urllib.request.build_opener(_Redirects())
    while True:
        before = size_of(partial)
        try:
            with _open(opener, url, before) as response:
                _receive(response, partial, entry.size, progress)
        except _NothingLeftError:
            return
        except _BrokenOffError as error:
            if size_of(partial) <= before:
                raise FetchError(f"{_host(url)}: {error}") from error
            time.sleep(_PAUSE)
        else:
            return


class _BrokenOffError(Exception):
    """The server was not reached, or stopped answering: worth another try if bytes came."""


class _NothingLeftError(Exception):
    """The partial file holds all that the server has; the SHA-256 decides."""


def _open(opener: urllib.request.OpenerDirector, url: str, offset: int) -> http.client.HTTPResponse:
    """Ask for the bytes from ``offset`` on."""
    try:
        response: http.client.HTTPResponse = opener.open(_request(url, offset), timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            raise _NothingLeftError from error
        raise FetchError(f"{_host(url)} answered {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _BrokenOffError(_reason(error)) from error
    return response


def _receive(response: http.client.HTTPResponse, partial: Path, size: int, progress: Progress | None) -> None:
    """Append what comes to ``partial``; begin it anew if the server knows no ranges."""
    there = size_of(partial)
    resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
    if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
        raise _BrokenOffError("sent another range than the one asked for")
    done = there if resumed else 0
    length = response.headers.get("Content-Length", "")
    whole = done + int(length) if length.isdigit() else size
    # Reads fail as _BrokenOffError, so an OSError in here is the disk's.
    with disk_errors(partial), partial.open("ab" if resumed else "wb") as file:
        if progress:
            progress(done, whole)
        while chunk := _read(response):
            file.write(chunk)
            done += len(chunk)
            if progress:
                progress(done, whole)
            if done > byte_limit(size):
                partial.unlink()
                raise FetchError("more bytes came than the model has")
    if length.isdigit() and done < whole:
        raise _BrokenOffError(f"broke off after {done:,} of {whole:,} bytes")


def _read(response: http.client.HTTPResponse) -> bytes:
    """The next bytes, as soon as there are any."""
    try:
        return response.read1(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(_reason(error)) from error


def _request(url: str, offset: int) -> urllib.request.Request:
    """The request for the bytes from ``offset`` on."""
    headers = {"User-Agent": f"personahub/{__version__}", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    # The scheme was checked by the caller: http or https only.
    request = urllib.request.Request(url, headers=headers)  # noqa: S310
    if token := os.environ.get("HF_TOKEN", "").strip():
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    return request


def _reason(error: Exception) -> str:
    """Why a request failed, in a few words that hold no secret."""
    if isinstance(error, urllib.error.URLError):
        if not isinstance(error.reason, Exception):
            return redact(str(error.reason))
        error = error.reason
    if isinstance(error, OSError):
        return redact(error.strerror or str(error) or "no answer in time")
    # The others quote the address or a header, where a password or the token may be.
    return f"the request failed ({type(error).__name__})"


def _host(url: str) -> str:
    """The host of an address, without a user name or password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _origin(url: str) -> tuple[str, str]:
    """Scheme and host of an address: what a token is given for."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
