"""Recorded market data, found through RECORDINGS_DIR; tests skip and say so without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def recordings(*parts: str) -> Path:
    """A folder or file of the recorded data, or a skip with the reason."""
    root = os.environ.get("RECORDINGS_DIR")
    if not root:
        pytest.skip("RECORDINGS_DIR is not set: recorded market data is not on this machine")
    folder = Path(root).joinpath(*parts)
    if not folder.exists():
        pytest.skip(f"RECORDINGS_DIR has no {'/'.join(parts)}")
    return folder
