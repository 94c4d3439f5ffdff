"""Runs `up` on a Procfile of the test's own: runner.py ROOT PROCFILE."""

from __future__ import annotations

import sys
from pathlib import Path

from ops.up import up

sys.exit(up(root=Path(sys.argv[1]), procfile=Path(sys.argv[2])))
