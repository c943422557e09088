"""Answers that are kept for a minute, in Django's cache."""

import logging
from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from django.conf import settings
from django.core.cache import cache

logger = logging.getLogger("backoffice")
T = TypeVar("T")

MINUTE = 60  # seconds


def kept(find: Callable[[], T], *question: object) -> T:
    """What `find` returns, at most a minute old. `question` says all that the answer depends on, also who may see it.

    With Redis away the answer is found anew.
    """
    key = f"kept:{sha256(repr(question).encode()).hexdigest()}"
    answer = tolerant(lambda: cache.get(key))
    if answer is None:
        answer = find()
        tolerant(lambda: cache.set(key, answer, MINUTE))
    return answer


def tolerant(use_cache: Callable[[], T]) -> T | None:
    if not settings.REDIS_URL:
        return use_cache()
    from redis import RedisError  # 13 MB, which only those who use it shall pay

    try:
        return use_cache()
    except RedisError as error:
        logger.warning("Redis does not answer; the figures are found anew: %s", type(error).__name__)
        return None
