"""The part of a worker that takes messages from the broker, made to outlive the broker's end."""

from __future__ import annotations

import logging
from typing import Any

import structlog
from celery.worker.consumer import Consumer

log = structlog.get_logger()


class SteadyConsumer(Consumer):  # type: ignore[misc] # Celery ships no types
    """Celery's own, which kombu 5.7 can end when the broker goes while a message is not acknowledged.

    kombu then closes the connection twice. The first time each channel can give up half-way, where it still
    waits for an answer. The second time the one with the message puts it back, through a transport that has
    lost its address meanwhile: an AttributeError, which nobody expects. And a run that begins meanwhile
    acknowledges its message through the closed channel, with the same end.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> Any:
        """Let go of the connection. What it brought is neither put back nor acknowledged any more.

        Where Redis has kept it, it comes again after `visibility_timeout`, and is void by then.
        """
        if self.task_consumer is not None:
            channel = self.task_consumer.channel
            channel.do_restore = False
            channel.basic_ack = _too_late
        return super().on_connection_error_after_connected(exc)


class _WithoutStack(logging.Filter):
    """Takes the stack from what Celery tells of a message whose acknowledgement the broker did not get.

    The line names the message and the error, and at the end of a broker there is one for each run.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through."""
        if str(record.msg).startswith("Couldn't ack"):
            record.exc_info = None
        return True


logging.getLogger("celery.worker.request").addFilter(_WithoutStack())


def _too_late(delivery_tag: str, **_options: Any) -> None:
    log.debug("message_not_acknowledged", delivery_tag=delivery_tag)
