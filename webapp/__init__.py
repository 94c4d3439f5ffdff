"""The web process: the dashboard's JSON, its pages and the WebSocket stream, from the cache alone."""

from __future__ import annotations

from webapp.app import create_app

__all__ = ["create_app"]
