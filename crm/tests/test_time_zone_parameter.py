"""`?tz=`: plain dates in the filters of a list mean the days of that zone."""

from datetime import UTC, datetime

import django_filters
import pytest

from crm.api.filters import UTCDateTimeFilter
from lead.models import Restaurant
from lead.views import RestaurantViewSet
from track.models import Interaction

LISTS = ["/lead/restaurants/", "/contact/contacts/", "/track/interactions/", "/call/"]
MIDNIGHT_IN_KOLKATA = datetime(2024, 12, 23, 18, 30, tzinfo=UTC)


@pytest.fixture
def at_midnight(interaction):
    """An interaction in the first instant of 24 December in Kolkata, which is still 23 December in UTC."""
    Interaction.objects.update(date=MIDNIGHT_IN_KOLKATA, updated_at=MIDNIGHT_IN_KOLKATA)
    return interaction


def found(api, query: str) -> bool:
    return bool(api.get(f"/track/interactions/?{query}").json())


def test_a_plain_date_is_a_day_of_the_given_zone(api, at_midnight):
    assert found(api, "date_after=2024-12-24&date_before=2024-12-25&tz=Asia/Kolkata")
    assert found(api, "tz=Asia/Kolkata&updated_after=2024-12-24")
    assert not found(api, "date_before=2024-12-24&tz=Asia/Kolkata")


def test_a_plain_date_without_a_zone_is_a_day_of_the_server(api, at_midnight):
    assert not found(api, "date_after=2024-12-24")
    assert not found(api, "date_after=2024-12-24&tz=")
    assert found(api, "date_before=2024-12-24")


def test_a_date_time_with_an_offset_means_the_same_in_every_zone(api, at_midnight):
    assert found(api, "date_after=2024-12-23T18:30:00Z&tz=Asia/Kolkata")
    assert not found(api, "date_after=2024-12-23T18:30:01Z&tz=Asia/Kolkata")


def test_a_day_whose_midnight_is_skipped_begins_at_its_first_instant(api, interaction):
    Interaction.objects.update(date=datetime(2025, 4, 24, 22, tzinfo=UTC))  # 01:00, when 25 April begins in Cairo
    assert found(api, "date_after=2025-04-25&tz=Africa/Cairo")
    assert not found(api, "date_before=2025-04-25&tz=Africa/Cairo")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("name", ["Asia/Calcuta", "+05:30", "../UTC", "x" * 300])
def test_an_unknown_zone_is_a_400_that_names_it(api, path, name):
    answer = api.get(path, {"tz": name, "updated_after": "2024-12-24"})
    assert answer.status_code == 400 and list(answer.json()) == ["tz"]
    assert "is no time zone" in answer.json()["tz"][0]


@pytest.mark.parametrize("path", LISTS)
def test_lists_with_filters_by_date_know_the_parameter(api, plan, interaction, path):
    answer = api.get(f"{path}?tz=Asia/Kolkata&updated_after=2024-12-24", headers={"Prefer": "handling=strict"})
    assert answer.status_code == 200 and len(answer.json()) == 1


def test_a_list_without_filters_by_date_does_not(api):
    answer = api.get("/api/users/?tz=Asia/Kolkata", headers={"Prefer": "handling=strict"})
    assert (answer.status_code, answer.json()) == (400, {"tz": ["Unknown parameter."]})


def test_a_filterset_with_a_method_of_its_own_gets_the_zone_too(api, lead, monkeypatch):
    class Filters(django_filters.FilterSet):
        since = UTCDateTimeFilter("created_at", "gte")
        named = django_filters.CharFilter(method="by_name")

        def by_name(self, queryset, name, value):
            return queryset.filter(name=value)

    monkeypatch.setattr(RestaurantViewSet, "filterset_class", Filters)
    Restaurant.objects.update(created_at=MIDNIGHT_IN_KOLKATA)
    assert api.get("/lead/restaurants/?since=2024-12-24&tz=Asia/Kolkata").json()
    assert not api.get("/lead/restaurants/?since=2024-12-24").json()
    assert api.get("/lead/restaurants/?since=nonsense&tz=Asia/Kolkata").status_code == 400
