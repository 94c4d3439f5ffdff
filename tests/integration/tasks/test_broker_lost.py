"""Claims about a worker whose broker goes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.worker.consumer import Consumer
from kombu import Connection, Exchange, Queue
from kombu import Consumer as Receiver
from redis.exceptions import ConnectionError as RedisConnectionError

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


def test_it_ends_one_of_celery_and_kombu_alone(redis_server):
    """Once this fails, a new version has mended it: tasks/consumer.py can go."""
    consumer, _ = after_the_end(Consumer, redis_server)

    with pytest.raises(AttributeError, match="hostname"):
        consumer.on_connection_error_after_connected(RedisConnectionError("gone"))

    consumer.task_consumer.channel.do_restore = False  # or it is tried once more when the tests end
