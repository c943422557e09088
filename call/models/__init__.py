"""Call plans with their log, the work profile that their dates are computed on, feed addresses and sent digests."""

from call.models.digest import SentDigest
from call.models.event import CallEvent, EventKind, Frequency, Outcome
from call.models.feed import FeedAddress
from call.models.plan import CallPlan
from call.models.work_profile import WorkProfile

__all__ = ["CallEvent", "CallPlan", "EventKind", "FeedAddress", "Frequency", "Outcome", "SentDigest", "WorkProfile"]
