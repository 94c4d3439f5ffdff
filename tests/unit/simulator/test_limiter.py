from __future__ import annotations

from simulator.limiter import Limit, RateLimiter
from tests.support.simulator_parts import Clock, synthetic

NOW = 1_779_969_600.0


def limiter(clock, **fields: object):
    """A limiter on a clock."""
    return RateLimiter(limit=Limit(**fields), monotonic=clock)


def test_the_601st_request_of_five_seconds_is_refused():
    """Exactly 600 pass, however they are spread."""
    clock = Clock(0.0)
    guard = limiter(clock, ban_s=0)

    verdicts = []
    for _ in range(600):
        verdicts.append(guard.admit("a").allowed)
        clock.move(4.9 / 600)

    assert all(verdicts)
    assert not guard.admit("a").allowed


def test_the_window_slides_with_each_request():
    """A place is free again when its own request is a window old, not before."""
    clock = Clock(0.0)
    guard = limiter(clock, requests=2, window_s=5, ban_s=0)
    guard.admit("a")
    clock.move(3)
    guard.admit("a")

    clock.move(1.99)
    refused = guard.admit("a")
    clock.move(0.01)
    allowed = guard.admit("a")
    again = guard.admit("a")

    assert not refused.allowed
    assert 0 < refused.wait_s <= 0.011
    assert allowed.allowed
    assert allowed.remaining == 0
    assert not again.allowed
    assert again.wait_s == 3


def test_refused_requests_do_not_prolong_the_wait():
    """Only allowed requests fill the window."""
    clock = Clock(0.0)
    guard = limiter(clock, requests=1, window_s=5, ban_s=0)
    guard.admit("a")
    for _ in range(100):
        guard.admit("a")

    clock.move(5)

    assert guard.admit("a").allowed


def test_an_excess_bans_for_the_whole_time():
    """As at the real exchange: ten minutes of nothing, then a fresh window."""
    clock = Clock(0.0)
    guard = limiter(clock, requests=1)
    guard.admit("a")
    first = guard.admit("a")

    clock.move(599)
    during = guard.admit("a")
    clock.move(1)

    assert first.banned_now
    assert not during.allowed
    assert not during.banned_now
    assert guard.admit("a").allowed


def test_each_address_has_its_own_window():
    """One client's excess is not another's."""
    guard = limiter(Clock(0.0), requests=1)
    guard.admit("a")
    guard.admit("a")

    assert guard.admit("b").allowed


def test_addresses_without_end_do_not_fill_the_memory():
    """The oldest are forgotten."""
    guard = limiter(Clock(0.0), requests=1)

    for number in range(3000):
        guard.admit(str(number))

    assert len(guard._times) <= 1024


def test_a_change_lifts_bans_and_zero_means_no_limit():
    """A new limit begins afresh."""
    guard = limiter(Clock(0.0), requests=1)
    guard.admit("a")
    guard.admit("a")

    guard.change(Limit(requests=0))

    assert all(guard.admit("a").allowed for _ in range(5000))


def test_the_default_refusal_is_the_real_ones():
    """HTTP 403 with the words that Bybit documents; counted apart."""
    parts = synthetic(NOW, limit=Limit(requests=1))
    parts.reply("time")

    refused = parts.reply("time")

    assert (refused.status, refused.body) == (403, b"access too frequent")
    assert parts.tally.report()["limited"] == 1
    assert parts.tally.report()["paths"]["/v5/market/time"]["outcomes"] == {"200": 1, "403": 1}


def test_the_other_two_refusals():
    """A return code with HTTP 200, or 429 that says how long to wait."""
    by_code = synthetic(NOW, limit=Limit(requests=1, mode="10006"))
    by_status = synthetic(NOW, limit=Limit(requests=1, ban_s=7, mode="429"))
    for parts in (by_code, by_status):
        parts.reply("time")

    assert by_code.answer("time")["retCode"] == 10006
    refused = by_status.reply("time")
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "8"


def test_answers_say_how_much_is_left():
    """The X-Bapi-Limit headers count down; without a limit there are none."""
    parts = synthetic(NOW, limit=Limit(requests=10))

    headers = parts.reply("time").headers

    assert headers["X-Bapi-Limit"] == "10"
    assert headers["X-Bapi-Limit-Status"] == "9"
    assert headers["X-Bapi-Limit-Reset-Timestamp"] == str(int(NOW * 1000))
    assert set(synthetic(NOW).reply("time").headers) == {"Date"}
