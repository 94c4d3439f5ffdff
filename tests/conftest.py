"""What every test may ask for by name, and what none of them shall find in its environment."""

from __future__ import annotations

import os

pytest_plugins = ("tests.support.servers",)

# The servers of tests are on this machine, where no proxy leads.
for _scheme in ("http", "https", "ws", "wss", "socks", "all"):
    for _name in (f"{_scheme}_proxy", f"{_scheme}_proxy".upper()):
        os.environ.pop(_name, None)
