"""The pipeline in a period: for each status how many leads stand in it, came and went, and how long they stayed.

All is counted by the database, in a fixed number of queries; with an owner, except the moves of leads into which
others were merged. A lead that is created in a status has come into it. With an owner, a move counts for the user who
owned the lead at its instant (as lead.owners says), and "now" for the present one: who sees the owner's row in reports
sees the moves of leads that were given away since, too.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
    Window,
)
from django.db.models.functions import Coalesce, RowNumber
from django.db.models.lookups import Exact

from lead.durations import days
from lead.models import PIPELINE, LeadMerge, LeadStatus, LostReason, OwnerChange, Policy, Restaurant, StatusChange
from lead.owners import Owners, sees_row_of

UNKNOWN = "UNKNOWN"  # a lead was lost and no reason was noted
FORWARD = [*PIPELINE, LeadStatus.CONVERTED]
HAS_MERGED = Exists(LeadMerge.objects.filter(survivor=OuterRef("lead")))  # of a move: others are part of its lead


@dataclass(frozen=True)
class Pipeline:
    """What `user` may see of the period [start, end), instants in UTC; of one `owner`, a user's id, or of all."""

    user: Any
    start: datetime
    end: datetime
    owner: int | None = None

    def body(self) -> list[dict[str, Any]]:
        """The answer of `GET /lead/pipeline/`: a row of each status."""
        now, created, medians = self.now(), self.created(), self.medians()
        left: dict[str, Counter[str]] = defaultdict(Counter)
        reasons: dict[str, Counter[str]] = defaultdict(Counter)
        entered = Counter(created)
        for old, new, reason, count in self.moves_by_kind():
            left[old][new] += count
            entered[new] += count
            if new == LeadStatus.LOST:
                reasons[old][reason or UNKNOWN] += count
        return [
            {
                "status": status,
                "now": now.get(status, 0),
                "entered": entered[status],
                "created": created.get(status, 0),
                "left": left[status].total(),
                "to": {other: left[status][other] for other in LeadStatus.values},
                "lost_reasons": {reason: reasons[status][reason] for reason in [*LostReason.values, UNKNOWN]},
                "median_days": medians.get(status),
                "conversion": conversion(status, left[status]),
            }
            for status in LeadStatus.values
        ]

    def visible(self, rows: Any) -> Any:
        """Those of leads that the user may see; of an owner whose row the user sees, also those of leads given away."""
        seen = rows.visible_to(self.user)
        is_narrowed = self.owner is not None and not Policy.of(self.user).sees_everything
        return rows if is_narrowed and sees_row_of(self.owner, self.user) else seen

    def leads(self) -> QuerySet[Restaurant]:
        return self.visible(Restaurant.objects.order_by())

    def moves(self) -> QuerySet[StatusChange]:
        if self.owner is None:
            return self.moves_of_all()
        of_one_lead = was_owned_by(self.owner, "lead") & ~Q(HAS_MERGED)
        return self.moves_of_all().filter(of_one_lead | Q(pk__among=self.owned_of_merged))

    def moves_of_all(self) -> QuerySet[StatusChange]:
        rows = self.visible(StatusChange.objects.order_by())
        return rows.filter(created_at__gte=self.start, created_at__lt=self.end)

    @cached_property
    def owned_of_merged(self) -> list[int]:
        """The ids of the moves that count for the owner, of leads into which others were merged: those that came with
        another lead count for its owners.
        """
        found = list(self.moves_of_all().filter(HAS_MERGED).values_list("lead", "created_at", "pk"))
        owners = Owners.of(lead for lead, *_ in found)
        label = StatusChange._meta.label
        return [pk for lead, moment, pk in found if owners.at(lead, moment, (label, pk)).id == self.owner]

    def moves_by_kind(self) -> QuerySet:
        return self.moves().values_list("old_status", "new_status", "reason").annotate(count=Count("pk"))

    def now(self) -> dict[str, int]:
        leads = self.leads() if self.owner is None else self.leads().filter(assigned_to=self.owner)
        return dict(leads.values_list("lead_status").annotate(Count("pk")))

    def created(self) -> dict[str, int]:
        """The leads that were created in the period, by their first status: the one that their first change left."""
        leads = self.leads().filter(created_at__gte=self.start, created_at__lt=self.end)
        if self.owner is not None:
            leads = leads.filter(was_owned_by(self.owner, "pk"))
        own = StatusChange.objects.filter(lead=OuterRef("pk"), created_at__gte=OuterRef("created_at"))
        first = own.order_by("id").values("old_status")[:1]
        return dict(leads.values_list(Coalesce(Subquery(first), "lead_status")).annotate(Count("pk")))

    def medians(self) -> dict[str, float]:
        """By status: the median of the days of the stays that ended in the period. Two stays a status are read.

        Of a change that is older than its lead, and came with one that was merged into it, the stay is not known.
        """
        before = StatusChange.objects.filter(lead=OuterRef("lead"), pk__lt=OuterRef("pk")).order_by("-id")
        start = Coalesce(Subquery(before.values("created_at")[:1]), "lead__created_at")
        stays = (
            self.moves()
            .filter(created_at__gte=F("lead__created_at"))
            .annotate(stay=ExpressionWrapper(F("created_at") - start, output_field=DurationField()))
            .annotate(
                place=Window(RowNumber(), partition_by="old_status", order_by=["stay", "pk"]),
                stays=Window(Count("pk"), partition_by="old_status"),
            )
            .filter(stays__lte=F("place") * 2, stays__gte=F("place") * 2 - 2)
        )
        middle: dict[str, list[timedelta]] = defaultdict(list)
        for status, stay in stays.values_list("old_status", "stay"):
            middle[status].append(stay)
        return {status: days(sum(each, timedelta(0)) / len(each)) for status, each in middle.items()}


def conversion(status: str, left: Counter[str]) -> float | None:
    """The part of those that left an open status which moved forward in the pipeline; None where none left."""
    if status not in PIPELINE or not left:
        return None
    later = FORWARD[PIPELINE.index(LeadStatus(status)) + 1 :]
    return round(sum(left[each] for each in later) / left.total(), 4)


def was_owned_by(owner: int, lead: str) -> Q:
    """The condition that `owner` owned the row's `lead` at its `created_at`, as lead.owners.Owners.at says."""
    changes = OwnerChange.objects.filter(lead=OuterRef(lead))
    present = "assigned_to" if lead == "pk" else f"{lead}__assigned_to"
    before = changes.filter(created_at__lte=OuterRef("created_at")).order_by("-created_at", "-id")
    after = changes.filter(created_at__gt=OuterRef("created_at")).order_by("created_at", "id")
    then = Case(
        When(Exists(before), then=Subquery(before.values("new_owner")[:1])),
        When(Exists(after), then=Subquery(after.values("old_owner")[:1])),
        default=F(present),
        output_field=BigIntegerField(),
    )
    ever = Q(**{present: owner}) | Exists(changes.filter(Q(old_owner=owner) | Q(new_owner=owner)))
    return ever & Q(Exact(then, owner))
