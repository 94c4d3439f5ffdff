import pytest

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("name", ["redis_server", "memcached_server"])
def test_a_killed_server_comes_back_on_its_port(name, request):
    """Tests of outages rely on the address staying the same."""
    server = request.getfixturevalue(name)
    port = server.port

    server.kill()
    gone = not server.answers()
    server.restart()

    assert gone
    assert server.answers()
    assert server.port == port


@pytest.mark.parametrize("name", ["redis_server", "memcached_server"])
def test_a_frozen_server_is_silent_until_it_is_thawed(name, request):
    """A frozen server accepts connections but says nothing, the nastiest way to fail."""
    server = request.getfixturevalue(name)

    server.freeze()
    frozen = not server.answers()
    server.thaw()

    assert frozen
    assert server.answers()
