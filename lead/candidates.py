"""The leads that may be one: for a lead by index, for all by one pass over the index of each kind of block.

At most BLOCKS_READ blocks and ROWS rows of each kind are compared. Up to FEW leads are read for each request. A pass
over more reads them all, and its result is used for a minute by all requests of a process; which of its pairs a user
may see, and which are said to be different, is looked up for each request.
"""

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any, NamedTuple

from django.db.models import Aggregate, Count, QuerySet, TextField

from crm.db.batches import batched
from crm.db.derived import derive
from lead.duplicates import BLOCKS, DuplicateReason, Record, Verdict, compare, pairs_of
from lead.models import NotDuplicate, Restaurant

FEW = 5_000  # leads
MINUTE = 60  # seconds
BLOCKS_READ = 10_000
ROWS = 20_000
NEAREST = 50  # rows of each kind that are compared with one lead
BATCH = 10_000  # ids in one statement
PAIRS = 5_000  # that are listed


class Pair(NamedTuple):
    """Two rows by their ids, the smaller one first."""

    score: float
    first: int
    second: int
    reasons: tuple[DuplicateReason, ...]

    @property
    def why(self) -> str:
        return Verdict(self.score, self.reasons).why


class Candidate(NamedTuple):
    """A row that may be the same as another one."""

    verdict: Verdict
    row: Any


class Ids(Aggregate):
    """The ids of a group, with commas."""

    function = "STRING_AGG"
    template = "%(function)s((%(expressions)s)::text, ',')"
    output_field = TextField()

    def as_sqlite(self, compiler, connection, **context):
        return self.as_sql(compiler, connection, template="GROUP_CONCAT(%(expressions)s)", **context)


def record_of(lead: Restaurant) -> Record:
    return Record(*(getattr(lead, name) for name in Record._fields))


# --- Of one lead ------------------------------------------------------------------------------


def candidates_of(lead: Restaurant, user) -> list[Candidate]:
    """The leads, of those that the user may see, that the lead may be; the likeliest first. A fixed number of queries.

    A lead that is not saved yet is compared as it would be.
    """
    if lead.pk is None:
        derive(lead, lead.database)
    record, rows = record_of(lead), Restaurant.objects.visible_to(user)
    found: dict[int, Restaurant] = {}
    for fields in BLOCKS:
        key = {name: getattr(record, name) for name in fields}
        if key[fields[0]]:
            found |= {row.pk: row for row in rows.filter(**key).order_by("pk")[:NEAREST]}
    return likeliest(record, ((row, record_of(row)) for row in found.values()), different_from(NotDuplicate, lead))


def different_from(pairs: Any, row: Any) -> set[int]:
    """The ids of the rows that are said to be different ones, and its own."""
    if row.pk is None:
        return set()
    return {row.pk, *(pair.other_than(row.pk) for pair in pairs.of(row.pk, row.database))}


def likeliest(
    record: Record, rows: Iterable[tuple[Any, Record]], different: set[int], *, in_one_place: bool = False
) -> list[Candidate]:
    found = [
        Candidate(verdict, row)
        for row, other in rows
        if row.pk not in different and (verdict := compare(record, other, in_one_place=in_one_place))
    ]
    return sorted(found, key=lambda candidate: (-candidate.verdict.score, candidate.row.pk))


# --- Of all -----------------------------------------------------------------------------------

_passes: dict[str, tuple[float, list[Pair]]] = {}  # of this process, by database


def duplicates(user, least: float = 0.0) -> list[Pair]:
    """The pairs of leads that may be one, with this score at least, and are not said to be different; likeliest first.

    Both leads are visible to the user. At most PAIRS.
    """
    rows = Restaurant.objects.visible_to(user)
    is_small = not rows.order_by("pk").values("pk")[FEW : FEW + 1]
    pairs = pass_over(rows) if is_small else recent_pass(rows.db)
    different = set(NotDuplicate.objects.order_by().values_list("first", "second"))
    found: list[Pair] = []
    for batch in batched([p for p in pairs if p.score >= least and (p.first, p.second) not in different], PAIRS):
        found += batch if is_small else visible_of(batch, rows)
        if len(found) >= PAIRS:
            break
    return found[:PAIRS]


def visible_of(pairs: list[Pair], rows: QuerySet[Restaurant]) -> list[Pair]:
    """Those of which both are among the rows."""
    ids = {pk for pair in pairs for pk in (pair.first, pair.second)}
    visible = set(rows.filter(pk__in=ids).order_by().values_list("pk", flat=True))
    return [pair for pair in pairs if pair.first in visible and pair.second in visible]


def recent_pass(database: str) -> list[Pair]:
    computed_at, pairs = _passes.get(database, (-MINUTE, []))
    if monotonic() - computed_at >= MINUTE:
        pairs = pass_over(Restaurant.objects.using(database))
        _passes[database] = (monotonic(), pairs)
    return pairs


def pass_over(rows: QuerySet[Restaurant]) -> list[Pair]:
    blocks = [ids for fields in BLOCKS for ids in blocks_of(rows, fields)]
    records: dict[int, Record] = {}
    for batch in batched({pk for ids in blocks for pk in ids}, BATCH):
        read = rows.filter(pk__in=batch).order_by().values_list(*Record._fields)
        records |= {values[0]: Record(*values) for values in read}
    return pairs_within([records[pk] for pk in ids if pk in records] for ids in blocks)


def blocks_of(rows: QuerySet[Restaurant], fields: tuple[str, ...]) -> Iterator[list[int]]:
    """The ids of each block, in order of the blocks' values."""
    known = rows.filter(**{f"{fields[0]}__gt": ""})
    grouped = known.order_by(*fields).values(*fields).annotate(size=Count("pk"), ids=Ids("pk")).filter(size__gt=1)
    room = ROWS
    for ids in grouped.values_list("ids", flat=True)[:BLOCKS_READ]:
        block = sorted(map(int, ids.split(",")))[:room]
        room -= len(block)
        yield block


def pairs_within(blocks: Iterable[list[Record]], *, in_one_place: bool = False) -> list[Pair]:
    """Those that may be one, likeliest first. Each pair of rows that share a block is compared once."""
    compared: set[tuple[int, int]] = set()
    found = []
    for block in blocks:
        for one, other in pairs_of(block):
            ids = (one.pk, other.pk) if one.pk < other.pk else (other.pk, one.pk)
            if ids in compared:
                continue
            compared.add(ids)
            if verdict := compare(one, other, in_one_place=in_one_place):
                found.append(Pair(verdict.score, *ids, verdict.reasons))
    return sorted(found, key=lambda pair: (-pair.score, pair.first, pair.second))
