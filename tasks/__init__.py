"""The Celery application: periodic tasks that fetch, derive and publish."""

from __future__ import annotations

from celery import Celery

app = Celery("tidemark")
app.config_from_object("celeryconfig")
