"""Phone numbers: how a typed one is read, the columns that follow from it, and how alike two are.

What was typed stays as typed. `phonenumbers`, Google's library with the numbering plans of all countries, reads it: the
country is the one that it was written with (`+91 …`, `0091 …`, `tel:+91…`), else the region's that the caller names.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import phonenumbers
from django.conf import settings
from django.db import models
from django.db.models.expressions import Combinable
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from crm.db.batches import batched
from crm.db.derived import BATCH, DerivedField
from crm.fast.compiled import ID, CompiledQuery

MIN_DIGITS = 7  # fewer are an extension or a short code, and match nothing
TAIL = 9  # digits at the end that tell numbers apart without their country: most national numbers have as many

EXTENSION = re.compile(
    r"[\s,;(]*(?:(?<![^\W\d_])(?:ext(?:n|ension)?|доб|anexo|int|wew)|x|#|~)[\s.:=]*(\d{1,9})\)?\s*$", re.IGNORECASE
)
NEXT_NUMBER = re.compile(r"[,;|\n]|\s[/&]\s")  # what separates several in one field: the first one is read
LABEL = re.compile(r"\D+$")  # as in `98765 43210 (home)`; before a number phonenumbers passes it over
INTERNATIONAL_CALL = re.compile(r"^\D*00(?=[1-9])")
NUMBER = re.compile(r"[\d\s()+./\-\u2010-\u2015]*")

# Filled by the app that knows where users work: from a look-up path to a user, the expression of a region code
# (ISO 3166-1, two letters), NULL or empty for none.
user_regions: list[Callable[[str], Combinable]] = []


class Match(models.TextChoices):
    """How well a stored number answers a sought one, the best first."""

    EXACT = "EXACT"
    NATIONAL = "NATIONAL"
    SUFFIX = "SUFFIX"


@dataclass(frozen=True)
class Number:
    """A number as it was read.

    `e164` is "+" and up to 15 digits (ITU-T E.164), empty where the country is not known or the number has too few or
    too many digits for it. `national` are the digits without country code, where one is known, and without leading
    zeros. `has_country`: it was written with its country code.
    """

    e164: str = ""
    national: str = ""
    extension: str = ""
    has_country: bool = False

    @property
    def tail(self) -> str:
        return self.national[-TAIL:]

    def match(self, typed: str, e164: str) -> Match:
        """How well a stored number with the same `e164` or tail answers this one.

        EXACT: the same E.164 number. NATIONAL: the same national number, where at least one of the two was written
        without its country. SUFFIX: all else.
        """
        if e164 and e164 == self.e164:
            return Match.EXACT
        stored = read(typed)
        national = read(e164).national if e164 else stored.national
        both_have_countries = self.has_country and stored.has_country
        return Match.NATIONAL if national == self.national and not both_have_countries else Match.SUFFIX


@lru_cache(maxsize=10_000)
def read(text: str, region: str = "") -> Number:
    """The number that was typed, the first one of several; without a country code it is one of the `region`.

    `region` is an ISO 3166-1 code of two letters, or empty. An empty Number for fewer than MIN_DIGITS digits.
    """
    text = unicodedata.normalize("NFKC", text).strip()
    extension = EXTENSION.search(text)
    main = text[: extension.start()] if extension else text
    first = first_of(main)
    if len(digits(first)) < MIN_DIGITS:
        return Number()
    written = main if main.lower().startswith("tel:") else first  # phone-context is a parameter of tel: (RFC 3966)
    called = INTERNATIONAL_CALL.sub("+", written)
    number = parsed(called, "", only_valid=True) if called != written else None
    number = number or parsed(written, region)
    shown = extension[1] if extension else (number and number.extension) or ""
    if number is None:
        return Number(national=digits(first).lstrip("0"), extension=digits(shown))
    return Number(
        e164=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        national=phonenumbers.national_significant_number(number).lstrip("0"),
        extension=digits(shown),
        has_country=number.country_code_source != CountryCodeSource.FROM_DEFAULT_COUNTRY,
    )


def first_of(text: str) -> str:
    """Of several numbers in one field the first one. `030 / 123456` is one: what is too short is the area code."""
    head, slash, rest = text.partition(" / ")
    if slash and NUMBER.fullmatch(head) and len(digits(head)) < MIN_DIGITS:
        text = f"{head} {rest}"
    parts = [part for part in NEXT_NUMBER.split(text) if len(digits(part)) >= MIN_DIGITS]
    return LABEL.sub("", parts[0] if parts else text)


def parsed(text: str, region: str, *, only_valid: bool = False) -> PhoneNumber | None:
    """None for a number without a country, or of an impossible length; with `only_valid` also for one not in use."""
    try:
        number = phonenumbers.parse(text, region or None, keep_raw_input=True)
    except NumberParseException:
        return None
    is_possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return number if is_possible and (not only_valid or phonenumbers.is_valid_number(number)) else None


def digits(text: str) -> str:
    """The digits of any script, as ASCII's."""
    return phonenumbers.normalize_digits_only(text)


def is_number(text: str) -> bool:
    """Whether `text` is a number and nothing else: digits, the signs that numbers are written with, an extension."""
    main = EXTENSION.sub("", unicodedata.normalize("NFKC", text)).removeprefix("tel:")
    return bool(NUMBER.fullmatch(main)) and len(digits(main)) >= 3


def region_or_default(region: str | None) -> str:
    return region or settings.PHONE_REGION


class E164Field(DerivedField, models.CharField):
    """The E.164 number of what was typed in `source`, empty where its country is not known.

    `owner` is a look-up path to the user whose region is that of numbers without a country code.
    """

    def __init__(self, source: str = "", owner: str = "", **kwargs) -> None:
        self.source, self.owner = source, owner
        super().__init__(**{"max_length": 24, "editable": False, "default": "", "db_default": "", **kwargs})

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source, "owner": self.owner}

    @property
    def sources(self) -> list[str]:
        """Not the owner of the row itself: that change sends a signal, whose receivers compute the column again."""
        head, _, rest = self.owner.partition("__")
        return [self.source, head] if rest else [self.source]

    def derive(self, instance: models.Model) -> str:
        region = vars(instance).pop(self.region_name, None)
        return read(getattr(instance, self.source), region_or_default(region)).e164

    @property
    def reads(self) -> list[str]:
        return [self.source, self.owner.partition("__")[0]]

    @property
    def region_name(self) -> str:
        return f"_region_of_{self.attname}"

    def prepare(self, instances: Iterable[models.Model], using: str) -> None:
        """Look the regions up, in one query, for the numbers that need one."""
        head, _, rest = self.owner.partition("__")
        reference: Any = self.model._meta.get_field(head)
        needing = [
            (instance, key)
            for instance in instances
            if (key := getattr(instance, reference.attname)) is not None
            and (number := read(getattr(instance, self.source))).national
            and not number.e164
        ]
        if not user_regions:
            return
        regions: dict[Any, str | None] = {}
        for keys in batched({key for _, key in needing}, BATCH):
            found = self.region(key=keys[0], using=using) if len(keys) == 1 else self.regions(keys).using(using)
            regions.update(found)
        for instance, key in needing:
            vars(instance)[self.region_name] = regions.get(key)

    def regions(self, keys: list[Any]) -> models.QuerySet:
        """The region by the key of the row that `owner` starts at."""
        head, _, rest = self.owner.partition("__")
        rows: models.QuerySet = models.QuerySet(self.model._meta.get_field(head).related_model)
        return rows.filter(pk__in=keys).order_by().values_list("pk", user_regions[0](rest or "pk"))

    @cached_property
    def region(self) -> CompiledQuery:
        """As `regions`, for one row: most writes are of one."""
        return CompiledQuery(lambda key: self.regions([key]), {"key": ID})


class PhoneTailField(DerivedField, models.CharField):
    """The last digits of what was typed in `source`, in whatever region: see `Number.tail`."""

    def __init__(self, source: str = "", **kwargs) -> None:
        self.source = source
        super().__init__(**{"max_length": TAIL, "editable": False, "default": "", "db_default": "", **kwargs})

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source}

    @property
    def sources(self) -> list[str]:
        return [self.source]

    def derive(self, instance: models.Model) -> str:
        return read(getattr(instance, self.source)).tail
