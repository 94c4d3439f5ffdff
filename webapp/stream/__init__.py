"""The WebSocket stream: says that a new dashboard is there; what it says is fetched over HTTP."""
