import pytest

from ops import asking


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter/2@127.0.0.1:1/0",
        "redis://:hunter2@127.0.0.1:1/0?socket_timeout=hunter2",
        "redis://:hunter2@127.0.0.1:1/0?hunter2=1",
    ],
    ids=["password", "option's value", "option's name"],
)
def test_an_address_that_the_client_cannot_use_is_a_reason_that_repeats_nothing(url):
    """The client's own words would hold a part of the password."""
    why = asking.ask_redis(url)

    assert why == "its address cannot be read, or has an option that is not known"
    assert asking.eviction_warning(url) is None
