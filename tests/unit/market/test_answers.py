from __future__ import annotations

from email.utils import formatdate
from types import SimpleNamespace

import ccxt
import pytest
import requests

from market.answers import LONGEST_PAUSE_S, describe_body, retry_after_s, translate
from market.errors import BadAnswer, Banned, ExchangeUnavailable, NotSupported, RateLimited, SymbolUnknown

NOW = 1_750_000_000.0


def raised(status: int | None, exc: Exception, headers: dict[str, str] | None = None) -> Exception:
    """What sync ccxt raises: `exc` while a `requests` error with the response is being handled."""
    if status is None:
        return exc
    try:
        try:
            raise requests.HTTPError(  # noqa: TRY301 - as ccxt does
                response=SimpleNamespace(status_code=status, headers=headers or {})
            )
        except requests.HTTPError:
            raise exc  # noqa: B904 - ccxt chains implicitly, that is the point
    except type(exc) as chained:
        return chained


def meaning(exc: Exception, symbol: str | None = "BTC/USDT", **more: object):
    """What the edge makes of it."""
    return translate(exc, exchange="x", now=NOW, symbol=symbol, **more)


@pytest.mark.parametrize(
    "ccxt_says", [ccxt.ExchangeError, ccxt.ExchangeNotAvailable, ccxt.BadSymbol, KeyError]
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, RateLimited),
        (418, Banned),
        (403, Banned),
        (451, Banned),
        (500, ExchangeUnavailable),
        (502, ExchangeUnavailable),
        (503, ExchangeUnavailable),
        (504, ExchangeUnavailable),
        (520, ExchangeUnavailable),
        (408, ExchangeUnavailable),
    ],
)
def test_the_status_decides_before_ccxt_s_class(status, kind, ccxt_says):
    """The opinion of ccxt on these answers differs between exchanges; the status does not."""
    error = meaning(raised(status, ccxt_says("{}")))

    assert type(error) is kind
    assert error.symbol == "BTC/USDT"
    assert error.exchange == "x"


@pytest.mark.parametrize(
    ("status", "exc", "kind"),
    [
        (404, ccxt.ExchangeNotAvailable("{}"), NotSupported),
        (501, ccxt.ExchangeNotAvailable("{}"), NotSupported),
        (404, ccxt.BadSymbol("unknown"), SymbolUnknown),
        (400, ccxt.BadSymbol("unknown"), SymbolUnknown),
        (400, ccxt.RateLimitExceeded("10006"), RateLimited),
        (400, ccxt.ExchangeNotAvailable("{}"), BadAnswer),
        (None, ccxt.RateLimitExceeded('{"retCode":10006}'), RateLimited),
        (None, ccxt.DDoSProtection("slow down"), RateLimited),
        (None, ccxt.AuthenticationError('{"retCode":10009}'), Banned),
        (None, ccxt.PermissionDenied("compliance"), Banned),
        (None, ccxt.BadSymbol("nope"), SymbolUnknown),
        (None, ccxt.BadRequest('{"retCode":10001,"retMsg":"params error: symbol invalid"}'), SymbolUnknown),
        (None, ccxt.BadRequest('{"retCode":10001,"retMsg":"params error: limit invalid"}'), BadAnswer),
        (None, ccxt.NotSupported("no"), NotSupported),
        (None, ccxt.RequestTimeout("slow"), ExchangeUnavailable),
        (None, ccxt.NetworkError("reset"), ExchangeUnavailable),
        (None, ccxt.OnMaintenance("back soon"), ExchangeUnavailable),
        (None, ConnectionResetError("reset"), ExchangeUnavailable),
        (None, ccxt.BadResponse("what"), BadAnswer),
        (None, ccxt.NullResponse("what"), BadAnswer),
        (None, ccxt.ExchangeError("{}"), BadAnswer),
        (None, AttributeError("'NoneType' object has no attribute 'get'"), BadAnswer),
    ],
)
def test_where_the_status_is_silent_ccxt_s_class_decides(status, exc, kind):
    """Everything has exactly one meaning of ours."""
    assert type(meaning(raised(status, exc))) is kind


def test_a_failed_handshake_is_a_network_failure_although_ccxt_calls_it_an_exchange_error():
    """No answer came, so there is none to call bad."""
    failed = ccxt.ExchangeError("x GET https://x")
    failed.__cause__ = requests.exceptions.SSLError("certificate")

    assert type(meaning(failed)) is ExchangeUnavailable


def test_an_unknown_symbol_needs_a_symbol():
    """A call for all symbols that the exchange refuses is a bad answer, not one symbol's fault."""
    assert type(meaning(ccxt.BadSymbol("nope"), symbol=None)) is BadAnswer


def test_an_older_failure_that_is_being_handled_has_no_say():
    """A retry inside an except block must not inherit the first attempt's status."""
    older = raised(429, ccxt.ExchangeError("{}"))
    newer = ccxt.ExchangeError("{}")
    newer.__context__ = older

    assert type(meaning(newer, outer=older)) is BadAnswer


def test_our_own_errors_pass_unchanged():
    """The limiter and the transport raise ours already."""
    own = BadAnswer("x", "HTML")

    assert meaning(own) is own


def test_retry_after_moves_the_end_of_the_pause():
    """A named time beats our defaults, for limits, bans and maintenance alike."""
    header = {"Retry-After": "7"}

    assert meaning(raised(429, ccxt.ExchangeError(), header)).until == NOW + 7
    assert meaning(raised(418, ccxt.ExchangeError(), header)).until == NOW + 7
    assert meaning(raised(503, ccxt.ExchangeError(), header)).retry_after == 7


def test_without_retry_after_the_pause_fits_the_status():
    """Ten seconds for a limit, ten minutes for a ban, an hour for a country; none is made up for a 503."""
    assert meaning(raised(429, ccxt.ExchangeError())).until == NOW + 10
    assert meaning(raised(403, ccxt.ExchangeError())).until == NOW + 600
    assert meaning(raised(451, ccxt.ExchangeError())).until == NOW + 3600
    assert meaning(raised(503, ccxt.ExchangeError())).retry_after is None


@pytest.mark.parametrize("says", ["0", "-5", "inf"])
def test_a_pause_of_no_length_or_without_an_end_leaves_that_of_the_status(says):
    """Else whoever is banned would go on asking at once, or stay away for days by one bad header."""
    header = {"Retry-After": says}

    assert meaning(raised(429, ccxt.ExchangeError(), header)).until == NOW + 10
    assert meaning(raised(403, ccxt.ExchangeError(), header)).until == NOW + 600
    assert meaning(raised(503, ccxt.ExchangeError(), header)).retry_after is None


@pytest.mark.parametrize(
    ("reset_ms", "until"), [((NOW + 3) * 1000, NOW + 3), (5, NOW + 10), ("soon", NOW + 10)]
)
def test_a_limit_may_name_the_end_of_its_window(reset_ms, until):
    """Bybit's reset time is used while it makes sense."""
    header = {"X-Bapi-Limit-Reset-Timestamp": str(reset_ms)}

    assert meaning(raised(429, ccxt.ExchangeError(), header)).until == pytest.approx(until)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0.5", 0.5),
        ("-3", None),
        ("0", None),
        ("1e400", None),
        (formatdate(NOW - 30, usegmt=True), None),
        ("999999999", LONGEST_PAUSE_S),
        (formatdate(NOW + 30, usegmt=True), 30.0),
        ("nan", None),
        ("later", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    """Both forms of the header are read; nonsense is none, and nobody parks us for months."""
    assert retry_after_s({"Retry-After": value}, NOW) == seconds


def test_a_retry_after_date_counts_on_the_exchange_s_own_clock():
    """Its clock may be off; the difference of its two dates is not."""
    headers = {"Date": formatdate(5000, usegmt=True), "Retry-After": formatdate(5030, usegmt=True)}

    assert retry_after_s(headers, NOW) == 30


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "an empty body"),
        (" null ", "null"),
        ("<html>", "HTML"),
        ('{"a":', "truncated JSON"),
        ("[1,", "truncated JSON"),
        ("OK", "no JSON"),
    ],
)
def test_a_strange_body_is_named(body, words):
    """The reason on the dashboard says what came."""
    assert describe_body(body) == words


def test_a_reason_names_the_failure_and_not_the_address():
    """A person reads it beside our own name of the exchange, and of another call as well."""
    reset = ccxt.NetworkError("bybit GET http://127.0.0.1:1/v5/market/recent-trade?symbol=A")
    reset.__context__ = requests.ConnectionError()
    reset.__context__.__context__ = ConnectionResetError(104, "Connection reset by peer")

    assert meaning(reset).reason == "NetworkError: Connection reset by peer"
    assert meaning(ccxt.ExchangeError('bybit {"retCode":1}')).reason == 'ExchangeError: {"retCode":1}'
    assert meaning(ccxt.RequestTimeout("bybit GET http://h/v5")).reason == "RequestTimeout"
