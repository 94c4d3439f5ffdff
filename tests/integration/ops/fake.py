"""A process of a fake Procfile: says what happens to it in a file, behaves as its arguments tell."""

from __future__ import annotations

import argparse
import http.server
import json
import os
import signal
import socketserver
import subprocess
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("name")
parser.add_argument("--port", type=int)
parser.add_argument("--journal", type=Path)
parser.add_argument("--stubborn", action="store_true")
parser.add_argument("--family", action="store_true")
parser.add_argument("--incomplete", action="store_true")
parser.add_argument("--say", default="")
arguments = parser.parse_args()


def note(event):
    """Append one line to the journal, whole even when several processes write."""
    line = json.dumps({"name": arguments.name, "event": event, "pid": os.getpid(), "at": time.monotonic()})
    with arguments.journal.open("a") as journal:
        journal.write(line + "\n")


class Ready(http.server.BaseHTTPRequestHandler):
    """Answers /readyz as the web process does."""

    def do_GET(self):
        """Always ready, complete unless told otherwise."""
        body = json.dumps({"ready": True, "complete": not arguments.incomplete, "state": "live"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object):
        """Say nothing."""


def on_sigterm(*_: object):
    """Leave at once, as a well-behaved process does."""
    note("stop")
    os._exit(0)


signal.signal(signal.SIGTERM, signal.SIG_IGN if arguments.stubborn else on_sigterm)
if arguments.family:
    grandchild = subprocess.Popen(
        [
            sys.executable,
            "-S",
            "-c",
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
        ]
    )
    note(f"grandchild {grandchild.pid}")
note("start")
sys.stdout.write(arguments.say or f"{arguments.name} is up\n")
sys.stdout.flush()
if arguments.port:
    socketserver.TCPServer.allow_reuse_address = True
    with socketserver.TCPServer(("127.0.0.1", arguments.port), Ready) as server:
        note("listen")
        server.serve_forever()
signal.pause()
while True:
    signal.pause()
