"""What the stream sends: one small frame for each change of a published view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.published import Shelved


def notice(view: str, found: Shelved) -> str:
    """The frame for a view as it is served now."""
    document = found.document
    parsed: Mapping[str, object] = document.parsed()
    body = {
        "type": "dashboard",
        "view": view,
        "etag": document.etag,
        "generated_at": parsed["generated_at"],
        "state": parsed["state"],
    }
    return msgspec.json.encode(body).decode()
