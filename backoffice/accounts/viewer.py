"""The signed-in user of a page: what the work profile says of zone and country, and the formats that follow from it."""

from functools import lru_cache
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import get_format

from call.models.work_profile import country_of_user, time_zone_of_user

# The first day of the week where it is not Monday: Unicode CLDR, supplemental data, weekData. 0 is Sunday.
FIRST_DAYS = {
    0: "AG AS BD BR BS BT BW BZ CA CO DM DO ET GT GU HK HN ID IL IN IS JM JP KE KH KR LA MH MM MO MT MX MZ NI NP PA PE"
    " PH PK PR PT PY SA SG SV TH TT TW UM US VE VI WS YE ZA ZW",
    5: "MV",
    6: "AF BH DJ DZ EG IQ IR JO KW LY OM QA SD SY",
}
FIRST_DAY = {country: day for day, countries in FIRST_DAYS.items() for country in countries.split()}
MONDAY = 1


def with_work_profile(users: QuerySet) -> QuerySet:
    """Each user with `time_zone` and `country` of the work profile; both None where there is none."""
    return users.annotate(time_zone=time_zone_of_user(), country=country_of_user("pk"))


def has_work_profile(user: Any) -> bool:
    """Of a user of `with_work_profile`; of another one it is not known, and True."""
    return getattr(user, "time_zone", "") is not None


def country_of(user: Any) -> str:
    """The country in the work profile, two letters, or none; of a user of `with_work_profile`."""
    country = getattr(user, "country", None)
    return iso_code(country) if country else ""


@lru_cache(maxsize=1024)
def iso_code(country: str) -> str:
    """The two letters of a country that a work profile may have with three, or as UK. Empty for an unknown one."""
    from holidays.registry import COUNTRIES  # 11 MB: imported only where it is used

    return next((code for _, code, *others in COUNTRIES.values() if country in (code, *others)), "")


def locale_of(language: str, country: str) -> str:
    """The language as it is written in the country: de-ch.

    Texts are the language's. Formats are its formats in that country, where Django or `backoffice.formats` has them,
    else the language's own.
    """
    return f"{language.partition('-')[0]}-{country.lower()}" if country else language


def first_day_of_week(country: str) -> int:
    """For calendars: 0 is Sunday. Without a country, as the language has it."""
    return FIRST_DAY.get(country, MONDAY) if country else int(get_format("FIRST_DAY_OF_WEEK"))
