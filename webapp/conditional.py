"""Conditional requests and content encodings, as RFC 9110 has them."""

from __future__ import annotations

from werkzeug.http import parse_accept_header, parse_etags


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether the client holds this representation: weak comparison, lists and `*` included."""
    if not if_none_match:
        return False
    if if_none_match == etag:
        return True
    return parse_etags(if_none_match).contains_weak(etag.removeprefix("W/").strip('"'))


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether the client names gzip (or `*`) with a quality above zero."""
    if not accept_encoding or ("gzip" not in accept_encoding and "*" not in accept_encoding):
        return False
    qualities = dict(parse_accept_header(accept_encoding))
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0
