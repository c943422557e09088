"""What the search box finds: leads by name, people by name, either by phone number. A fixed number of queries.

In this order: names that begin with what was typed, the user's own accounts first; then rows that hold every word of
it somewhere in their search column, the own ones first again. Each step reads by an index and asks only for as many
rows as are missing, so that a rare word, a common one and one of two letters take much the same time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet, Subquery, Value, prefetch_related_objects
from django.db.models.functions import Lower, StrIndex
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy

from backoffice.admin.timeline import may_view
from call.lookup import matches
from contact.models import Contact
from crm.db import phones
from crm.db.folding import fold_key
from crm.db.phones import Match
from crm.db.search import words_of
from lead.models import OfLeadQuerySet, Restaurant

LIMIT = 10  # of each kind
OWN = 1_000  # of the user's accounts, the newest, that come first
WALK = 5_000  # rows in the order of names, in which a common word is found soon
LAST = "\U0010ffff"  # after every other character, by bytes
TRIGRAM = re.compile(r"[^\W_]{3}")  # what a trigram index finds

MATCHES = {
    Match.EXACT: gettext_lazy("this number"),
    Match.NATIONAL: gettext_lazy("the same national number"),
    Match.SUFFIX: gettext_lazy("the same last digits"),
}


@dataclass(frozen=True)
class Hit:
    """A lead, or a `contact` of it; `match`: how well its phone number answers the one that was typed."""

    lead: Restaurant
    contact: Contact | None = None
    match: Match | None = None

    @property
    def number(self) -> str:
        """Tells it apart from the other hits."""
        return f"{self.lead.pk}-{self.contact.pk}" if self.contact else str(self.lead.pk)

    @property
    def match_text(self) -> str:
        return str(MATCHES[self.match]) if self.match else ""


@dataclass
class Found:
    leads: list[Hit] = field(default_factory=list)
    people: list[Hit] = field(default_factory=list)
    problem: str = ""  # why nothing was looked for
    by_number: bool = False

    @property
    def hits(self) -> list[Hit]:
        return [*self.leads, *self.people]


def find(text: str, user: Any) -> Found:
    """What the user may see of leads and, with the permission to view them, contacts."""
    if not text.strip():
        return Found()
    try:
        words = words_of(text)
    except ValidationError as error:
        return Found(problem=" ".join(error.messages))
    sees_people = may_view(user, Contact)
    if len(phones.digits(text)) >= phones.MIN_DIGITS and (found := by_number(text, user, sees_people)):
        return found
    own = newest_of(user)
    leads = Search(Restaurant.objects.all(), user, own, text, words).first("assigned_to")
    people = Search(Contact.objects.all(), user, own, text, words, "restaurant") if sees_people else None
    return Found(
        [Hit(lead) for lead in leads],
        [Hit(row.restaurant, row) for row in people.first("restaurant__assigned_to")] if people else [],
    )


def newest_of(user: Any) -> list[int]:
    """The ids of the user's accounts, of more than OWN the newest. Not a subquery: PostgreSQL would not know how few
    rows it has, and read the whole table for a common word.
    """
    accounts = Restaurant.objects.filter(assigned_to=user.pk).order_by("-pk")
    return list(accounts.values_list("pk", flat=True)[:OWN])


def by_number(text: str, user: Any, sees_people: bool) -> Found | None:
    """Who has the number; None where it is nobody's that the user sees."""
    hits = [hit_of(row, match) for match, row in matches(text, user)]
    leads = [hit for hit in hits if hit.contact is None][:LIMIT]
    people = [hit for hit in hits if hit.contact is not None][:LIMIT] if sees_people else []
    prefetch_related_objects([hit.lead for hit in [*leads, *people]], "assigned_to")
    return Found(leads, people, by_number=True) if leads or people else None


def hit_of(row: Restaurant | Contact, match: Match) -> Hit:
    return Hit(row.restaurant, row, match) if isinstance(row, Contact) else Hit(row, None, match)


@dataclass(frozen=True)
class Search:
    """Of one table. `own` are ids of leads that come first, `lead` is the look-up path from a row to its lead's id."""

    rows: OfLeadQuerySet
    user: Any
    own: list[int]
    text: str
    words: list[str]
    lead: str = "pk"

    def first(self, related: str) -> list[Any]:
        """At most LIMIT of the rows that the user sees, each once, with the `related` ones."""
        found: list[int] = []
        for rows in self.steps():
            missing = LIMIT - len(found)
            if not missing:
                break
            found += rows.exclude(pk__in=found).values_list("pk", flat=True)[:missing]
        by_id = self.rows.select_related(related).in_bulk(found)
        return [by_id[pk] for pk in found if pk in by_id]

    def steps(self) -> Iterator[QuerySet]:
        visible = self.rows.visible_to(self.user)
        own = visible.filter(**{f"{self.lead}__in": self.own})
        yield self.sorted(self.beginning(own))
        yield self.by_index(self.beginning(visible))
        if not any(all(map(TRIGRAM.search, texts_of(word))) for word in self.words):
            return  # no index finds one or two letters inside a text
        yield self.sorted(self.holding(own))
        yield self.by_index(self.walked(visible))
        yield self.sorted(self.holding(visible))

    def by_index(self, rows: QuerySet) -> QuerySet:
        return rows.order_by("name_fold", "name", "pk")

    def sorted(self, rows: QuerySet) -> QuerySet:
        """In the same order; by an expression, so that all that is found is sorted. Else PostgreSQL may read the whole
        table in the order of the index, where its statistics take a rare word for a common one.
        """
        return rows.order_by(Lower("name_fold"), "name", "pk")

    def beginning(self, rows: QuerySet) -> QuerySet:
        """A range of the folded names: by their index on both databases."""
        prefix = fold_key(self.text)
        return rows.filter(name_fold__gte=prefix, name_fold__lt=prefix + LAST) if prefix else rows.none()

    def holding(self, rows: QuerySet) -> QuerySet:
        return rows.filter(*map(holds, self.words))

    def walked(self, rows: QuerySet) -> QuerySet:
        """As `holding`, among the first WALK names of the table; none where it has fewer.

        Without the trigram index: it gives all rows with a common word, which are too many to sort.
        """
        last = self.by_index(self.rows).values("name_fold")[WALK : WALK + 1]
        rows = rows.filter(name_fold__lte=Subquery(last))
        for word in self.words:
            rows = rows.filter(
                Q(*[GreaterThan(StrIndex("search", Value(text)), 0) for text in texts_of(word)], _connector=Q.OR)
            )
        return rows


def holds(word: str) -> Q:
    return Q(*[Q(search__contains=text) for text in texts_of(word)], _connector=Q.OR)


def texts_of(word: str) -> list[str]:
    """What the search column has to hold, one of them: the word; of a number the digits, too."""
    if not phones.is_number(word):
        return [word]
    number = phones.read(word).tail or phones.digits(word)
    return sorted({word, number}) if TRIGRAM.search(word) else [number]
