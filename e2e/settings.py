"""The settings of the server of the end-to-end tests: the project's own, with a clock that requests may set."""

from crm.settings import *  # noqa: F403
from crm.settings import MIDDLEWARE

MIDDLEWARE = ["e2e.clock.ClockMiddleware", *MIDDLEWARE]
