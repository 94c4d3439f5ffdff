"""django-cacheops without a database: what its model layer would send to Redis, sent directly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django
from django.conf import settings

from benchmarks.cache.values import TTL_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TABLE = "source"
_models: list[Any] = []


def configure(url: str) -> None:
    """Tell Django, once per process."""
    if settings.configured:
        return
    settings.configure(INSTALLED_APPS=["cacheops"], CACHEOPS_REDIS=url, DATABASES={})
    django.setup()


def model() -> Any:
    """A model whose rows the dependents were read from."""
    from django.db import models  # noqa: PLC0415 - Django must be configured first

    if not _models:

        class Source(models.Model):  # noqa: DJ008 - never shown
            """One row per source."""

            name = models.CharField(max_length=100)

            class Meta:
                """Where it would be."""

                app_label, db_table = "benchmarks", TABLE

        _models.append(Source)
    return _models[0]


def cache_dependents(source: str, values: Mapping[str, Any]) -> None:
    """Store values as results of queries that depend on one row."""
    from cacheops.getset import cache_thing  # noqa: PLC0415 - the same

    for name, value in values.items():
        cache_thing("", name, value, {TABLE: [{"name": source}]}, TTL_S)


def invalidate(source: str) -> None:
    """The row has changed: everything that depends on it goes."""
    from cacheops.invalidation import invalidate_dict  # noqa: PLC0415 - the same

    invalidate_dict(model(), {"name": source})


def still_there(names: Iterable[str]) -> int:
    """How many of them Redis holds."""
    from cacheops.redis import redis_client  # noqa: PLC0415 - the same

    return int(redis_client.exists(*names))


def simple_cache() -> Any:
    """Its cache by key and time alone."""
    from cacheops.simple import cache  # noqa: PLC0415 - the same

    return cache
