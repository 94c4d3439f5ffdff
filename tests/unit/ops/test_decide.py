from types import SimpleNamespace

from ops.decide import Start
from settings import Settings


def addresses(**fields: object):
    """Where a person finds what a start with those settings brings."""
    start = Start(Settings(**fields), backends=None, login=None, plan=None, folder=None, began=0.0)
    return start.addresses


def test_each_simulated_exchange_is_shown_with_its_address():
    """Under its id, so that a person finds the one whose faults are to be set."""
    shown = addresses(exchanges=("simulated", "simulated3"), simulator_port=7000)

    assert shown == {
        "dashboard": "http://127.0.0.1:8000/",
        "Flower": "http://127.0.0.1:5555/",
        "simulated": "http://127.0.0.1:7000/",
        "simulated3": "http://127.0.0.1:7002/",
    }


def test_a_start_on_real_exchanges_shows_no_simulated_one():
    """There is none."""
    assert set(addresses(exchanges=("okx",))) == {"dashboard", "Flower"}


def test_more_threads_than_an_exchange_can_bear_at_once_are_told_behind_the_servers():
    """The start goes on: where calls are answered at a steady pace nothing comes of it."""
    notes = {}
    for threads in (6, 7):
        chosen = Settings(exchanges=("bybit",), fetcher_processes=2, fetch_threads=threads)
        backends = SimpleNamespace(notes=("Redis: somewhere",))
        notes[threads] = Start(chosen, backends=backends, login=None, plan=None, folder=None, began=0.0).notes

    assert notes[6] == ("Redis: somewhere",)
    assert notes[7][:-1] == notes[6]
    assert notes[7][-1].startswith(
        "FETCH_THREADS=7 with FETCHER_PROCESSES=2: 14 calls at once to bybit; set "
    )
