"""Words and tones that the server and the pages share, each written down once."""

from __future__ import annotations

from cache import states

SIMULATED = "simulated"
"""The exchange ids of simulated markets begin with it, and those of real ones never do."""

VIEWS = ("data", "mobile")
"""The views that are published, as the cache and the addresses name them."""

COMPONENTS = {
    "technical": "Tech",
    "volume": "Vol",
    "orderflow": "Flow",
    "orderbook": "Book",
    "price_structure": "Struct",
    "sentiment": "Sent",
}
"""The components of a score in the order in which they are shown, with their short headings."""

BETA_WINDOWS = {"1h": "1 h", "5m": "5 m"}
"""The windows over which betas are measured, as the addresses and as the headings name them."""

SEVERITY_TONES = {"info": "none", "warning": "late", "critical": "bad"}
"""How the severity of an alert is coloured."""

TONES: dict[str, str] = {
    states.LIVE: "good",
    states.DELAYED: "late",
    states.STALE: "bad",
    states.EMPTY: "none",
}
"""How a state is coloured; the style sheet knows tones and not states."""

EXCHANGE_TONES = {states.OK: "good", states.UNKNOWN: "late"}
"""The same for the state of an exchange; any other word is a trouble."""

NOTHING_YET = "nothing has been published yet"
NOT_MEASURED = "not measured yet"


utc = states.clock_time
"""Unix seconds as a person reads them: 14:03:59 UTC."""
