"""Claims about a worker, and about beat, whose broker goes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery import Celery
from celery.beat import PersistentScheduler, ScheduleEntry
from celery.schedules import schedule
from celery.worker import request
from celery.worker.consumer import Consumer
from kombu import Connection, Exchange, Queue
from kombu import Consumer as Receiver
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from tasks.beat import SteadyScheduler
from tasks.consumer import SteadyConsumer
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


def is_idle(connection):
    """Whether nothing came for a moment."""
    try:
        connection.drain_events(timeout=0.1)
    except TimeoutError:
        return True
    return False


def after_the_end(kind, server):
    """What takes a worker's messages: one is not acknowledged, it waits for more, and its broker is dead."""
    connection = Connection(f"{server.url}/1")
    queue = Queue("normal", Exchange("normal"), routing_key="normal")
    messages = []
    receiver = Receiver(connection, [queue], callbacks=[lambda _body, message: messages.append(message)])
    receiver.qos(prefetch_count=2)
    receiver.consume()
    # As for `celery inspect`: its channel is closed before the other, and fails.
    orders = Queue("orders", Exchange("orders", type="fanout"), auto_delete=True)
    Receiver(connection.channel(), [orders], callbacks=[print], no_ack=True).consume()
    connection.Producer().publish({}, exchange=queue.exchange, routing_key="normal", declare=[queue])
    eventually(lambda: is_idle(connection), within_s=5)
    assert len(messages) == 1
    server.kill()

    consumer = object.__new__(kind)
    conf = SimpleNamespace(
        worker_cancel_long_running_tasks_on_connection_loss=True, worker_enable_prefetch_count_reduction=False
    )
    vars(consumer).update(
        connection=connection, task_consumer=receiver, app=SimpleNamespace(conf=conf), pool=None
    )
    return consumer, messages[0]


def test_a_broker_that_goes_with_a_message_unacknowledged_ends_no_worker(redis_server):
    """The connection is let go of, and the worker may connect anew."""
    consumer, message = after_the_end(SteadyConsumer, redis_server)

    consumer.on_connection_error_after_connected(RedisConnectionError("gone"))
    message.ack()  # as a thread does that began with it meanwhile

    assert consumer.connection is None
    assert message.acknowledged


def test_an_acknowledgement_that_the_broker_does_not_get_is_a_line_without_a_stack(redis_server, caplog):
    """With the message and the error's name: the run ended while nobody knew yet that the broker had gone."""
    consumer, message = after_the_end(SteadyConsumer, redis_server)

    message.ack_log_error(request.logger, consumer.connection.connection_errors)
    consumer.on_connection_error_after_connected(RedisConnectionError("gone"))

    (told,) = [record for record in caplog.records if "Couldn't ack" in record.getMessage()]
    assert "ConnectionError" in told.getMessage()
    assert told.exc_info is None


def test_it_ends_one_of_celery_and_kombu_alone(redis_server):
    """Once this fails, a new version has mended it: tasks/consumer.py can go."""
    consumer, _ = after_the_end(Consumer, redis_server)

    with pytest.raises(AttributeError, match="hostname"):
        consumer.on_connection_error_after_connected(RedisConnectionError("gone"))

    consumer.task_consumer.channel.do_restore = False  # or it is tried once more when the tests end


def ticks_into_the_void(kind, url, caplog):
    """Send two ticks at one moment to a broker that is not there; the stacks that Celery logged."""
    app = Celery("made", broker=f"{url}/1", set_as_current=False)
    app.conf.update(
        task_publish_retry=False, broker_transport_options={"max_retries": 0, "interval_start": 0}
    )
    scheduler = kind(app, schedule_filename="unused", lazy=True)
    entry = ScheduleEntry("made", "tasks.made", schedule=schedule(1.0, app=app), app=app)
    scheduler.clock = float
    for _ in range(2):
        scheduler.apply_entry(entry)
    app.close()
    return [record for record in caplog.records if record.name == "celery.beat" and record.exc_info]


def test_ticks_that_cannot_be_sent_are_a_line_without_a_stack(redis_server, caplog):
    """With its error's name and how many there are; no tick ends beat."""
    redis_server.kill()

    with capture_logs() as logs:
        stacks = ticks_into_the_void(SteadyScheduler, redis_server.url, caplog)

    (line,) = [line for line in logs if line["event"] == "ticks_not_sent"]
    assert (line["error"], line["exc_info"]) == ("OperationalError", None)
    assert stacks == []


def test_they_are_a_stack_each_of_celery_alone(redis_server, caplog):
    """Once this fails, a new version has mended it: tasks/beat.py can go."""
    redis_server.kill()

    assert len(ticks_into_the_void(PersistentScheduler, redis_server.url, caplog)) == 2
