"""The page of adherence: which planned calls were made on time, by owner."""

import re

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache

from call.models import CallPlan
from crm import dates
from lead.models import Restaurant

PAGE = "/admin/adherence/"


@pytest.fixture(autouse=True)
def monday(db):
    cache.clear()
    with time_machine.travel("2026-01-19T09:00:00Z", tick=False) as traveller:
        yield traveller
    cache.clear()


@pytest.fixture
def viewer(client):
    user = get_user_model().objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_adherence"))
    client.force_login(user)
    return client


def plans(username: str, count: int, called: int, traveller) -> None:
    """Of so many calls planned for 10 January, those that were `called` on that day."""
    owner = get_user_model().objects.create_user(username)
    made = [
        CallPlan.objects.create(
            lead=Restaurant.objects.create(name="Bistro", assigned_to=owner),
            frequency="MONTHLY",
            next_call_date="2026-01-10T00:00:00Z",
        )
        for _ in range(count)
    ]
    for plan in made[:called]:
        plan.refresh_from_db()
        plan.record_call(dates.now())


@pytest.fixture
def called_plans(monday):
    monday.move_to("2026-01-10T10:00:00Z")
    plans("asha", 4, 3, monday)
    plans("john", 2, 0, monday)
    monday.move_to("2026-01-19T09:00:00Z")


def cells(page: str) -> list[list[str]]:
    rows = re.findall('<tr><th scope="row">([^<]*)</th>(.*?)</tr>', page)
    return [[name, *re.findall("<td[^>]*>([^<]*)</td>", rest)] for name, rest in rows]


def test_each_owner_is_shown_with_the_smallest_part_on_time_first(called_plans, viewer):
    page = viewer.get(PAGE).text
    assert [row[:5] for row in cells(page)] == [["john", "2", "0 (0 %)", "0", "2"], ["asha", "4", "3 (75 %)", "0", "1"]]
    assert "75 % of 4 on time, 1 missed" in page
    assert re.findall('<rect class="bar"[^>]* width="([^"]*)"', page) == ["0.00%", "75.00%"]


def test_the_period_can_be_chosen(called_plans, viewer):
    assert cells(viewer.get(PAGE, {"first": "2026-01-10", "last": "2026-01-10"}).text)
    page = viewer.get(PAGE, {"first": "2026-01-11", "last": "2026-01-19"}).text
    assert cells(page) == []
    assert "No call was planned" in page


@pytest.mark.parametrize(
    ("period", "words"),
    [
        ({"first": "2026-01-20", "last": "2026-01-19"}, "on or after the day it starts"),
        ({"first": "2024-01-01", "last": "2026-01-19"}, "at most a year later"),
        ({"first": "0001-01-01", "last": "0001-01-02"}, "between 2000 and 2100"),
        ({"first": "soon"}, "Enter a valid date."),
        ({"last": "\0"}, "Enter a valid date."),
    ],
)
def test_an_invalid_period_is_named(period, words, viewer):
    page = viewer.get(PAGE, period)
    assert page.status_code == 200
    assert words in page.text


def test_adherence_is_hidden_and_forbidden_without_permission(client, monday):
    client.force_login(get_user_model().objects.create_user("asha", is_staff=True))
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/admin/").text


def test_the_start_page_links_to_adherence(viewer):
    assert f'href="{PAGE}"' in viewer.get("/admin/").text


def test_a_second_view_of_adherence_within_a_minute_is_cached(called_plans, viewer, django_assert_max_num_queries):
    viewer.get(PAGE)
    with django_assert_max_num_queries(6):  # session, user, its permissions, saved lists, the names
        viewer.get(PAGE)
