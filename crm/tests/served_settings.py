"""The settings of the servers that the tests start: the project's own, with cheap password digests."""

import os

from crm.settings import *  # noqa: F403
from crm.settings import DATABASES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if patience := os.environ.get("LOCK_TIMEOUT"):  # seconds
    if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        DATABASES["default"]["OPTIONS"]["timeout"] = float(patience)
    else:
        DATABASES["default"]["OPTIONS"]["options"] = f"-c lock_timeout={patience}s"

if REDIS_URL:  # noqa: F405
    CACHES["default"]["OPTIONS"] = {}  # noqa: F405  # on a busy machine a slow Redis is none that is away
