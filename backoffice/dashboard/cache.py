"""Results cached for a minute, in Django's cache."""

import logging
from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache

logger = logging.getLogger("backoffice")
T = TypeVar("T")

MINUTE = 60  # seconds


def cached(compute: Callable[[], T], *key: object) -> T:
    """What `compute` returns, at most a minute old. `key` names all that it depends on, including who may see it.

    While Redis is unreachable it is computed on each call.
    """
    name = f"dashboard:{sha256(repr(key).encode()).hexdigest()}"
    result = ignore_redis_errors(lambda: cache.get(name))
    if result is None:
        result = compute()
        ignore_redis_errors(lambda: cache.set(name, result, MINUTE))
    return result


def ignore_redis_errors(use_cache: Callable[[], T]) -> T | None:
    if not settings.REDIS_URL:
        return use_cache()
    from redis import RedisError  # takes 13 MB, only where Redis is configured

    try:
        return use_cache()
    except RedisError as error:
        logger.warning("Redis does not answer; the figures are computed again: %s", type(error).__name__)
        return None
