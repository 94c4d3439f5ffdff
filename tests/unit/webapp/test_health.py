"""Claims about the addresses that an operator asks."""

from __future__ import annotations

from tests.support.dashboards import NOW, publish, put_status


def test_alive_needs_nothing(client):
    """An empty cache is no reason to restart the process."""
    answer = client.get("/healthz")

    assert (answer.status_code, answer.data) == (200, b"ok\n")


def test_not_ready_before_there_is_a_dashboard(client):
    """503, and the tiers are named all the same."""
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["tiers"].keys() == {"l1", "l2", "l3"}
    assert (answer.json["ready"], answer.json["complete"], answer.json["state"]) == (False, False, "empty")
    assert answer.json["age_s"] is None


def test_while_not_ready_the_exchanges_say_why(cache, client):
    """An operator sees the reason without reading logs."""
    unheard = client.get("/readyz").json["exchanges"]
    put_status(cache, "universe", state="banned", reason="418", retry_at=NOW + 600)

    told = client.get("/readyz").json["exchanges"]

    assert [(one["id"], one["state"], one["reason"]) for one in unheard] == [
        ("simulated", "unknown", "no answer yet")
    ]
    assert [(one["id"], one["state"], one["reason"], one["retry_at"]) for one in told] == [
        ("simulated", "banned", "universe: 418", NOW + 600)
    ]


def test_ready_and_complete_as_the_publisher_said(cache, client, clock):
    """With the tiers' states, absent ones included."""
    publish(cache)

    clock.move(1.5)
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json == {
        "ready": True, "complete": True, "state": "live", "age_s": 1.5,
        "tiers": {"l1": "up", "l2": "absent", "l3": "absent"}, "coherence": "alone",
    }  # fmt: skip


def test_ready_while_what_is_served_is_stale(cache, client, clock):
    """A dashboard can be served: that it is old is told, not hidden behind a 503."""
    publish(cache)

    clock.move(25)
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["state"], answer.json["age_s"]) == (200, "stale", 25.0)


def test_the_caches_statistics_are_those_of_all_processes(cache, client):
    """With this one's own where there is nobody else."""
    publish(cache)
    client.get("/api/dashboard/data")

    answer = client.get("/statsz")

    assert answer.status_code == 200
    assert answer.json["kinds"]["dashboard"]["l1_hits"] == 1
    assert [one["role"] for one in answer.json["processes"].values()] == ["process"]
    assert answer.json.keys() >= {"complete", "hit_rates", "total", "roles", "read_from", "ended"}


def test_the_statistics_are_gathered_once_a_second_at_most(cache, client, clock):
    """However often somebody asks."""
    client.get("/statsz")
    publish(cache)

    early = client.get("/statsz").json["total"]["puts"]
    clock.move(1)
    late = client.get("/statsz").json["total"]["puts"]

    assert early == 0
    assert late > 0


def test_health_is_never_cached(client):
    """Neither by a browser nor by a proxy."""
    assert client.get("/statsz").headers["Cache-Control"] == "no-store"
    assert client.get("/healthz").headers["Cache-Control"] == "no-store"
    assert client.get("/readyz").headers["Cache-Control"] == "no-store"
