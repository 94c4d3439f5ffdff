"""The peer of the dashboard's view: a bare Flask view that returns the same bytes."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response

BODY = Path(os.environ["BENCH_BODY"]).read_bytes()
app = Flask(__name__)


@app.get("/api/dashboard/data")
def dashboard() -> Response:
    """The same bytes, and nothing else."""
    return Response(BODY, content_type="application/json")
