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
