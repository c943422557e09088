"""RATE_LIMIT requests a minute for each user, counted in Redis, exact across processes.

Without REDIS_URL it is off: a counter in the database would make every read a write. Redis away: allow, and log.
"""

import logging

from django.conf import settings
from django.core.cache import cache
from rest_framework.throttling import BaseThrottle

from crm import dates

logger = logging.getLogger("crm.api.throttling")

WINDOW = 60  # seconds


class UserRate(BaseThrottle):
    def allow_request(self, request, view) -> bool:
        if not (settings.THROTTLE and settings.REDIS_URL and request.user and request.user.is_authenticated):
            return True
        from redis import RedisError  # 13 MB, which only those who use it shall pay

        seconds = int(dates.now().timestamp())
        self.left = WINDOW - seconds % WINDOW
        key = f"rate:{request.user.pk}:{seconds // WINDOW}"
        try:
            cache.add(key, 0, timeout=2 * WINDOW)
            return cache.incr(key) <= settings.RATE_LIMIT
        except (RedisError, ValueError) as error:  # ValueError: the key went between the two commands
            logger.warning("Redis does not answer; the request is let through: %s", type(error).__name__)
            return True

    def wait(self) -> int:
        """Seconds until the next minute begins."""
        return self.left
