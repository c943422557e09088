"""How likely two rows are one restaurant, or one person, and why: pure, no database.

Rows are compared only within blocks: rows with the same phone, e-mail or name, or whose names begin alike in one city.
A block of more than BLOCK rows (a chain with one number, a file imported forty times) is not paired all with all: each
of its rows is paired with the NEXT ones in order of their names. So the work grows with the rows, not their square.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy

from crm.db.folding import fold

BLOCK = 20  # rows that are paired all with all
NEXT = 5  # rows with which each is paired in a longer block
LISTED = 0.5  # the least score of a pair that is shown
LIKELY = 0.7  # from here on a pair is a duplicate rather than not: measured, see docs/duplicates.md
ALIKE = 0.75  # of two names

# How far each reason goes, 0 to 1; several add up like independent witnesses: 1 - (1 - a)(1 - b).
REACHED = 0.5  # by one phone, or one e-mail
NAMES = 0.8  # equal ones; names alike in proportion
NO_CITY, OTHER_PHONE, OTHER_PINCODE = 0.8, 0.9, 0.8  # factors for names

# Columns, and attributes of Record, whose rows of one value are a block; none where the first one is empty.
BLOCKS = [("phone_e164",), ("phone_tail",), ("email_fold",), ("name_fold",), ("name_key", "city_fold")]

# Words that do not tell names apart, and those that only say what kind of place it is.
SMALL = "an and at by da de del della der des di du el en et in la las le les los of on the und"
PLACES = """
    bakery bar bistro bistrot brasserie buffet cafe caffe canteen cantina club coffee deli delicatessen dhaba diner
    dining eatery food foods gasthaus gasthof grill grille hotel house inn kitchen lounge osteria pizza pizzeria place
    pub restaurant restaurante ristorante room shop steak steakhouse table taverna tavern tea trattoria
"""
FILLERS, KINDS = frozenset(SMALL.split()), frozenset(PLACES.split())


class DuplicateReason(models.TextChoices):
    """Why two rows may be one, the weightiest first."""

    PHONE = "PHONE", gettext_lazy("same phone")
    EMAIL = "EMAIL", gettext_lazy("same e-mail")
    NAME_AND_CITY = "NAME_AND_CITY", gettext_lazy("same name and city")
    NAME = "NAME", gettext_lazy("same name")
    NAMES_ALIKE = "NAMES_ALIKE", gettext_lazy("names alike")


class Record(NamedTuple):
    """What is compared of a row; texts are folded, and empty where they are not known."""

    pk: Any
    name_fold: str
    city_fold: str
    phone_e164: str
    phone_tail: str
    email_fold: str
    name_key: str
    pincode: str = ""


class Verdict(NamedTuple):
    """`score` is 0 to 1, with two decimals."""

    score: float
    reasons: tuple[DuplicateReason, ...]

    @property
    def why(self) -> str:
        """In words."""
        text = ", ".join(str(reason.label) for reason in self.reasons)
        return f"{text[:1].upper()}{text[1:]}."


# --- Names ------------------------------------------------------------------------------------


@lru_cache(maxsize=50_000)
def words(text: str) -> tuple[str, ...]:
    """Of a folded text, without signs, fillers and the possessive s."""
    bare = re.sub(r"'s\b|[’']", "", text.replace("&", " and "))
    found = re.findall(r"\w+", bare)
    return tuple(word for word in found if word not in FILLERS) or tuple(found)


def name_key(name: str, city: str = "") -> str:
    """Of a name the first two words that are neither the city's nor just a kind of place, by their consonants.

    Anna's, Café Ana and Bistro Anna have the same.
    """
    found = distinct(fold(name), fold(city))
    named = [word for word in found if word not in KINDS and len(word) > 1] or found
    return " ".join(consonants(word) for word in named[:2])


def consonants(word: str) -> str:
    """The first letter and the consonants, doubled ones once, without the s of a plural."""
    rest = re.sub("[aeiouy]", "", word[1:]).removesuffix("s")
    return re.sub(r"(.)\1+", r"\1", word[:1] + rest)[:20]


def is_near(one: str, other: str) -> bool:
    """Whether one word is the other with one slip (anna, ana), its beginning (deli, delicatessen) or initial.

    Numbers are not near: Studio 5 is not Studio 25.
    """
    short, long = sorted((one, other), key=len)
    if any(char.isdigit() for char in one + other):
        return False
    if long.startswith(short) and (len(short) >= 4 or len(short) == 1):
        return True
    if len(short) < 3 or len(long) - len(short) > 1:
        return False
    start = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if short[start:] == long[start + 1 :] or short[start + 1 :] == long[start + 1 :]:
        return True
    return short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]


@lru_cache(maxsize=50_000)
def similarity(one: str, other: str, city: str = "") -> float:
    """Of two folded names, 0 to 1; the words of the city say nothing.

    Each word is matched once, a near one counts less. A name that has all of the other and more is nearly the same;
    else it is Dice's coefficient of the words.
    """
    ours, theirs = distinct(one, city), distinct(other, city)
    left, matched = list(theirs), 0.0
    missing = []
    for word in ours:
        same = word if word in left else next((each for each in left if is_near(word, each)), None)
        if same is None:
            missing.append(word)
        else:
            left.remove(same)
            matched += 1.0 if same == word else 0.5 if 1 in (len(word), len(same)) else 0.9
    if not matched:
        return 0.0
    dice = 2 * matched / (len(ours) + len(theirs))
    if missing and left:
        return dice
    further = missing or left
    is_named = any(word not in KINDS for word in (theirs if missing else ours))
    whole = matched / min(len(ours), len(theirs))
    contained = 1.0 if not further else 0.9 if set(further) <= KINDS else 0.8
    return max(dice, whole * contained) if is_named or not further else dice


def distinct(name: str, city: str) -> tuple[str, ...]:
    found = words(name)
    return tuple(word for word in found if word not in city.split()) or found


def is_one_city(one: str, other: str) -> bool | None:
    """None where one is not known. New York and New York City are one."""
    if not one or not other:
        return None
    return one == other or set(words(one)) <= set(words(other)) or set(words(other)) <= set(words(one))


# --- Pairs ------------------------------------------------------------------------------------


def compare(one: Record, other: Record, *, in_one_place: bool = False) -> Verdict | None:
    """None for two that are not worth a look. Those `in_one_place`, contacts of a restaurant, need no city."""
    city = True if in_one_place else is_one_city(one.city_fold, other.city_fold)
    alike = similarity(one.name_fold, other.name_fold, one.city_fold or other.city_fold)
    is_called, is_written = have_one_number(one, other), bool(one.email_fold and one.email_fold == other.email_fold)
    is_reached = is_called or is_written
    reasons, named = [], 0.0
    if is_called:
        reasons.append(DuplicateReason.PHONE)
    if is_written:
        reasons.append(DuplicateReason.EMAIL)
    if alike >= ALIKE and (is_reached or city is not False):
        reasons.append(reason_of_names(one, other))
        named = NAMES * alike * doubt(one, other) * (1 if is_reached or city else NO_CITY)
    score = round(1 - (1 - REACHED * is_called) * (1 - REACHED * is_written) * (1 - named), 2)
    return Verdict(score, tuple(reasons)) if score >= LISTED else None


def have_one_number(one: Record, other: Record) -> bool:
    """The same E.164 number; where the country of one is not known, the same last digits."""
    if one.phone_e164 and other.phone_e164:
        return one.phone_e164 == other.phone_e164
    return bool(one.phone_tail and one.phone_tail == other.phone_tail)


def reason_of_names(one: Record, other: Record) -> DuplicateReason:
    if one.name_fold != other.name_fold:
        return DuplicateReason.NAMES_ALIKE
    is_same_city = one.city_fold and one.city_fold == other.city_fold
    return DuplicateReason.NAME_AND_CITY if is_same_city else DuplicateReason.NAME


def doubt(one: Record, other: Record) -> float:
    """What is left of the weight of names where other things tell the two apart: a chain's places have one name."""
    have_two_numbers = one.phone_tail and other.phone_tail and not have_one_number(one, other)
    have_two_codes = one.pincode and other.pincode and one.pincode != other.pincode
    return (OTHER_PHONE if have_two_numbers else 1) * (OTHER_PINCODE if have_two_codes else 1)


def blocks(records: Iterable[Record], fields: tuple[str, ...]) -> Iterator[list[Record]]:
    """Of the records those that have the same value, which is not empty, in `fields`."""
    found: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        key = tuple(getattr(record, name) for name in fields)
        if key[0]:
            found.setdefault(key, []).append(record)
    return (block for block in found.values() if len(block) > 1)


def pairs_of(block: list[Record]) -> Iterator[tuple[Record, Record]]:
    """All with all; of a long block each with the next ones in order of their names."""
    if len(block) <= BLOCK:
        yield from combinations(block, 2)
        return
    block = sorted(block, key=lambda record: (record.name_fold, record.city_fold, record.pk))
    for place, record in enumerate(block):
        yield from ((record, each) for each in block[place + 1 : place + 1 + NEXT])
