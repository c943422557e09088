"""`/api/me/` and `/api/users/`."""

import pytest
from django.contrib.auth import get_user_model

from crm.tests.support import signed_in


def test_me_is_the_user_of_the_token(api, user):
    answer = api.get("/api/me/")
    assert answer.status_code == 200
    assert answer.content == f'{{"id":{user.pk},"username":"kam","name":"kam","active":true}}'.encode()


def test_me_differs_for_each_user(user, reader):
    assert signed_in(reader).get("/api/me/").json()["username"] == "reader"


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [("Asha", "Rao", "Asha Rao"), ("Asha", "", "Asha"), ("", "Rao", "Rao"), ("", "", "kam"), (" ", "", "kam")],
)
def test_the_name_is_the_full_name_or_else_the_username(api, user, first, last, name):
    get_user_model().objects.update(first_name=first, last_name=last)
    assert api.get("/api/me/").json()["name"] == name


def test_the_list_shows_all_users_the_inactive_too_by_id(api, user, reader):
    get_user_model().objects.filter(pk=reader.pk).update(is_active=False)
    assert api.get("/api/users/").json() == [
        {"id": user.pk, "username": "kam", "name": "kam", "active": True},
        {"id": reader.pk, "username": "reader", "name": "reader", "active": False},
    ]


def test_no_other_field_of_a_user_is_shown(api, user):
    get_user_model().objects.update(email="kam@example.com", is_superuser=True)
    for path in ("/api/me/", "/api/users/"):
        content = api.get(path).content.decode()
        assert "example.com" not in content and "superuser" not in content and "password" not in content


def test_the_list_has_pages_and_an_order(api, user, reader):
    answer = api.get("/api/users/?ordering=-username&page_size=1")
    assert [row["username"] for row in answer.json()] == ["reader"]
    assert answer["X-Total-Count"] == "2"


def test_the_list_is_ordered_by_shown_fields_alone(api, user, reader):
    get_user_model().objects.filter(pk=user.pk).update(first_name="zoe")
    assert [row["name"] for row in api.get("/api/users/?ordering=-name").json()] == ["zoe", "reader"]
    assert list(api.get("/api/users/?ordering=password").json()) == ["ordering"]


@pytest.mark.parametrize("count", [3, 30])
def test_the_list_costs_two_queries_however_long_it_is(api, user, count, django_assert_num_queries):
    get_user_model().objects.bulk_create(get_user_model()(username=f"user{number}") for number in range(count))
    with django_assert_num_queries(2):  # the token's user; the rows
        assert len(api.get("/api/users/").json()) == count + 1


def test_me_costs_two_queries(api, django_assert_num_queries):
    with django_assert_num_queries(2):
        api.get("/api/me/")
