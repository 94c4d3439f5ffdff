"""Runs `up` on a Procfile of the test's own: runner.py ROOT PROCFILE."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ops import plan
from ops.up import up

# A server that never answers is waited for long enough in one test.
plan._SERVER_WITHIN_S = float(os.environ.get("SERVER_WITHIN_S", plan._SERVER_WITHIN_S))
sys.exit(up(root=Path(sys.argv[1]), procfile=Path(sys.argv[2])))
