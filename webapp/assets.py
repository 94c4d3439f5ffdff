"""The pages' own files, in memory, under addresses that change with their content."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from mimetypes import guess_type
from typing import TYPE_CHECKING

from flask import Blueprint, abort, request

from webapp.answers import NO_SNIFF, PreparedResponse, prepared
from webapp.conditional import matches

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOREVER = "public, max-age=31536000, immutable"
SHORT_HASH = 12
# Not the machine's own table of types: a page must not break where that one is odd.
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Assets:
    """Files by name, and one hash over all of them.

    One for all lets scripts import each other by their plain names: what is relative to a hashed
    folder is hashed too.
    """

    files: Mapping[str, bytes]
    digest: str

    @classmethod
    def of(cls, folder: Path) -> Assets:
        """Read a folder."""
        files = {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}
        whole = sha256()
        for name, body in files.items():
            whole.update(f"{name}\0{len(body)}\0".encode() + body)
        return cls(files, whole.hexdigest()[:SHORT_HASH])

    def url(self, name: str) -> str:
        """The address of one file; raises KeyError for a file that is not there."""
        if name not in self.files:
            raise KeyError(name)
        return f"/static/{self.digest}/{name}"


def blueprint(assets: Assets) -> Blueprint:
    """Serve the files; an address of another version is gone."""
    pages = Blueprint("assets", __name__)
    etag = f'"{assets.digest}"'
    kept = [("ETag", etag), ("Cache-Control", FOREVER), NO_SNIFF]
    unchanged = prepared("304 NOT MODIFIED", kept, None)
    whole = {
        name: prepared("200 OK", [("Content-Type", _type_of(name)), *kept], body)
        for name, body in assets.files.items()
    }

    @pages.get("/static/<digest>/<name>")
    def file(digest: str, name: str) -> PreparedResponse:
        if digest != assets.digest or name not in whole:
            abort(404)
        if matches(request.headers.get("If-None-Match"), etag):
            return unchanged.response()
        return whole[name].response()

    return pages


def _type_of(name: str) -> str:
    suffix = name[name.rfind(".") :]
    return TYPES.get(suffix) or guess_type(name)[0] or "application/octet-stream"
