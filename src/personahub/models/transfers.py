"""Whole files over HTTP, in pieces: they may be far larger than what fits in memory."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from personahub.models.http import HttpClient, HttpReply, TcpTransport

__all__ = ["FileClient"]

_SECONDS = 3600.0
"""Longest that one file may be on its way."""
_PIECE = 2**18


class FileClient(HttpClient):
    """An :class:`HttpClient`, over TCP, that sends files and fetches them.

    Args:
        server: where it is; no Unix socket.

    Raises:
        UserError: as for :class:`HttpClient`.
    """

    def _open(self) -> "_Files":
        return _Files(self.server, self._headers(), self._certificates)

    @property
    def _files(self) -> "_Files":
        if not isinstance(self._transport, _Files):
            self._transport = self._open()
        return self._transport

    async def post_form(self, path: str, fields: Mapping[str, str], file: Path) -> HttpReply:
        """Send a form whose last field, ``file``, is the file; raises as :meth:`post` does."""
        return self._cleaned(await self._files.post_form(path, fields, file))

    async def post_file(self, path: str, file: Path) -> HttpReply:
        """Send the file, which holds JSON, as the body; raises as :meth:`post` does."""
        return self._cleaned(await self._files.post_file(path, file))

    async def fetch(self, path: str, into: BinaryIO) -> HttpReply:
        """Write the body of a 200 into the file; raises as :meth:`post` does."""
        return self._cleaned(await self._files.fetch(path, into))


class _Files(TcpTransport):
    async def post_form(self, path: str, fields: Mapping[str, str], file: Path) -> HttpReply:
        from pyreqwest.multipart import FormBuilder, PartBuilder

        form = FormBuilder()
        for name, value in fields.items():
            form = form.text(name, value)
        part = (await PartBuilder.from_file(file)).file_name(file.name).mime("application/jsonl")
        request = self._client.request("POST", self._base + path).multipart(form.part("file", part))
        return await self.exchange(request.timeout(timedelta(seconds=_SECONDS)).build_streamed(), _SECONDS)

    async def post_file(self, path: str, file: Path) -> HttpReply:
        headers = {"Content-Type": "application/json", "Content-Length": str(_size(file))}
        request = self._client.request("POST", self._base + path).headers(headers)
        request = request.timeout(timedelta(seconds=_SECONDS)).body_stream(_pieces(file))
        return await self.exchange(request.build_streamed(), _SECONDS)

    async def fetch(self, path: str, into: BinaryIO) -> HttpReply:
        request = self._client.request("GET", self._base + path).timeout(timedelta(seconds=_SECONDS))
        return await self.exchange(request.build_streamed(), _SECONDS, into)


def _size(file: Path) -> int:
    return file.stat().st_size


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while piece := source.read(_PIECE):
            yield piece
