"""Idempotency-Key: a POST that may be sent again and is done once."""

import pytest
import time_machine
from django.contrib.admindocs.views import simplify_regex
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import URLPattern, get_resolver
from rest_framework.response import Response
from rest_framework.test import APIClient

from call.models import CallEvent, CallPlan
from contact.models import Contact, NotDuplicateContact
from crm.models import IdempotencyKey
from crm.tests import PASSWORD
from crm.tests.support import signed_in
from lead.models import ExternalId, NotDuplicate, OwnerChange, Restaurant, StatusChange, Team
from track.models import Interaction, OrderDetails

LEADS = "/lead/restaurants/"
ANNA = {"name": "Cafe Anna", "city": "Pune"}
REUSED = {"detail": "This Idempotency-Key was used for another request."}
MALFORMED = {"Idempotency-Key": ["Use 1 to 255 visible ASCII characters."]}


def post(client, path, body, key="k1", **kwargs):
    return client.post(path, body, headers={"Idempotency-Key": key}, **kwargs)


def headers_of(answer) -> dict:
    """All but those that are each answer's own."""
    return {name: value for name, value in answer.items() if name not in ("X-Request-ID", "Idempotency-Replayed")}


def rows() -> list:
    tables = (
        Team,
        Restaurant,
        ExternalId,
        NotDuplicate,
        NotDuplicateContact,
        StatusChange,
        OwnerChange,
        Contact,
        Interaction,
        OrderDetails,
        CallPlan,
        CallEvent,
    )
    return [list(table.objects.values()) for table in tables]


@pytest.fixture
def posts(user, lead, contact, interaction, plan) -> dict:
    """Every route that takes a POST, with a body that changes something and a path."""
    colleague = get_user_model().objects.create_user("asha")
    order = {"product_details": "50 units", "quantity": 50, "total_price": 500.5}
    paused = CallPlan.objects.create(lead=lead, frequency="DAILY")
    paused.pause()
    twin, merged = (Restaurant.objects.create(name="Bistro Ana").pk for _ in range(2))
    lead.merge(merged)
    double, gone = (Contact.objects.create(restaurant=lead, name="A. Rao").pk for _ in range(2))
    contact.merge(gone)
    people = f"/contact/contacts/{contact.pk}/"
    user.user_permissions.add(Permission.objects.get(codename="add_team"))
    return {
        "/lead/restaurants/<pk>/merge/": (f"{LEADS}{lead.pk}/merge/", {"other": twin}),
        "/lead/restaurants/<pk>/not_duplicates/": (f"{LEADS}{lead.pk}/not_duplicates/", {"other": twin}),
        "/lead/restaurants/<pk>/unmerge/": (f"{LEADS}{lead.pk}/unmerge/", {"other": merged}),
        "/contact/contacts/<pk>/merge/": (f"{people}merge/", {"other": double}),
        "/contact/contacts/<pk>/not_duplicates/": (f"{people}not_duplicates/", {"other": double}),
        "/contact/contacts/<pk>/unmerge/": (f"{people}unmerge/", {"other": gone}),
        "/api/teams/": ("/api/teams/", {"name": "North", "members": [user.pk]}),
        "/lead/restaurants/": (LEADS, ANNA),
        "/lead/restaurants/<pk>/change_status/": (f"{LEADS}{lead.pk}/change_status/", {"status": "LOST", "note": "x"}),
        "/lead/restaurants/<pk>/external_ids/": (
            f"{LEADS}{lead.pk}/external_ids/",
            {"source": "erp", "value": "ALFKI"},
        ),
        "/lead/restaurants/hand_over/": (f"{LEADS}hand_over/", {"from": user.pk, "to": colleague.pk}),
        "/contact/contacts/": ("/contact/contacts/", {"restaurant": lead.pk, "name": "Ravi Iyer"}),
        "/track/interactions/": (
            "/track/interactions/",
            {"lead": lead.pk, "interaction_type": "ORDER", "order": order},
        ),
        "/call/": ("/call/", {"lead": lead.pk, "frequency": "WEEKLY"}),
        "/call/<pk>/record_call/": (f"/call/{plan.pk}/record_call/", {}),
        "/call/<pk>/snooze/": (f"/call/{plan.pk}/snooze/", {"days": 3}),
        "/call/<pk>/skip/": (f"/call/{plan.pk}/skip/", {"reason": "On leave"}),
        "/call/<pk>/pause/": (f"/call/{plan.pk}/pause/", {}),
        "/call/<pk>/resume/": (f"/call/{paused.pk}/resume/", {}),
    }


# With files: backoffice/tests/test_import_api.py.
IMPORTS = {"/api/imports/", "/api/imports/<pk>/confirm/", "/api/imports/<pk>/revert/"}
# Those that answer a secret, or take one back.
TOKENS = {"/api/token/", "/api/token/refresh/", "/api/token/verify/", "/api/token/logout/"}
WITHOUT_KEYS = TOKENS | {"/call/feed/", "/contact/cards/"}


def routes_that_take_posts(patterns, prefix="") -> set[str]:
    found = set()
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            found |= routes_that_take_posts(pattern.url_patterns, path)
            continue
        view = getattr(pattern.callback, "cls", None)
        if view and "post" in getattr(pattern.callback, "actions", dict.fromkeys(dir(view), 1)):
            found.add(simplify_regex(path))
    return found


def test_every_route_that_takes_a_post_is_tried_here(posts):
    assert routes_that_take_posts(get_resolver().url_patterns) == set(posts) | WITHOUT_KEYS | IMPORTS


@pytest.mark.parametrize(
    "route",
    [
        "/lead/restaurants/",
        "/lead/restaurants/<pk>/change_status/",
        "/lead/restaurants/<pk>/external_ids/",
        "/lead/restaurants/<pk>/not_duplicates/",
        "/contact/contacts/<pk>/not_duplicates/",
        "/lead/restaurants/<pk>/merge/",
        "/lead/restaurants/<pk>/unmerge/",
        "/contact/contacts/<pk>/merge/",
        "/contact/contacts/<pk>/unmerge/",
        "/api/teams/",
        "/contact/contacts/",
        "/track/interactions/",
        "/call/",
        "/call/<pk>/record_call/",
        "/call/<pk>/snooze/",
        "/call/<pk>/skip/",
        "/call/<pk>/pause/",
        "/call/<pk>/resume/",
    ],
)
def test_a_retry_gets_the_same_answer_and_changes_nothing(api, posts, route):
    path, body = posts[route]
    before = rows()
    first = post(api, path, body)
    done = rows()
    second = post(api, path, body)
    assert first.status_code in (200, 201)
    assert done != before
    assert rows() == done
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert headers_of(second) == headers_of(first)
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"


def test_the_stored_answer_is_replayed_though_the_row_has_changed(api, user):
    first = post(api, LEADS, ANNA)
    Restaurant.objects.get().delete()
    second = post(api, LEADS, ANNA)
    assert (second.status_code, second.content, second["ETag"]) == (201, first.content, first["ETag"])
    assert not Restaurant.objects.exists()


def test_without_a_key_each_post_is_done(api, user):
    for _ in range(2):
        assert "Idempotency-Replayed" not in api.post(LEADS, ANNA)
    assert Restaurant.objects.count() == 2


def test_another_key_is_another_request(api, user):
    assert post(api, LEADS, ANNA, "k1").json()["id"] != post(api, LEADS, ANNA, "k2").json()["id"]


# --- What the key is bound to -----------------------------------------------------------------------


def test_another_body_is_refused(api, user):
    post(api, LEADS, ANNA)
    answer = post(api, LEADS, ANNA | {"city": "Mumbai"})
    assert (answer.status_code, answer.json()) == (422, REUSED)
    assert Restaurant.objects.count() == 1


def test_another_path_is_refused(api, lead, plan):
    post(api, f"/call/{plan.pk}/record_call/", {})
    answer = post(api, f"{LEADS}{lead.pk}/change_status/", {})
    assert (answer.status_code, answer.json()) == (422, REUSED)


def test_another_row_is_refused(api, lead):
    other = Restaurant.objects.create(name="Cafe Blau")
    post(api, f"{LEADS}{lead.pk}/change_status/", {"status": "LOST"})
    assert post(api, f"{LEADS}{other.pk}/change_status/", {"status": "LOST"}).status_code == 422
    assert Restaurant.objects.get(pk=other.pk).lead_status == "NEW"


def test_another_query_string_is_refused(api, user):
    post(api, LEADS, ANNA)
    assert post(api, f"{LEADS}?source=import", ANNA).status_code == 422


def test_a_refusal_leaves_the_stored_answer_unchanged(api, user):
    first = post(api, LEADS, ANNA)
    post(api, LEADS, ANNA | {"city": "Mumbai"})
    assert post(api, LEADS, ANNA).content == first.content


@pytest.mark.parametrize(
    "spelling", ['{"city":"Pune","name":"Cafe Anna"}', '\n{ "name" : "Caf\\u0065 Anna",\t"city":"Pune" }']
)
def test_a_body_in_another_spelling_is_the_same_request(api, user, spelling):
    first = post(api, LEADS, ANNA)
    assert post(api, LEADS, spelling, content_type="application/json").content == first.content


def test_a_multipart_retry_with_a_new_boundary_is_a_retry(api, user):
    def multipart(boundary):
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="name"\r\n\r\nCafe Anna\r\n--{boundary}--\r\n'
        return post(api, LEADS, part, content_type=f"multipart/form-data; boundary={boundary}")

    assert [multipart("one").status_code, multipart("two")["Idempotency-Replayed"]] == [201, "true"]


def test_a_form_and_json_are_not_the_same_request(api, user):
    form = post(api, LEADS, "name=Cafe+Anna&city=Pune", content_type="application/x-www-form-urlencoded")
    again = post(api, LEADS, "city=Pune&name=Cafe+Anna", content_type="application/x-www-form-urlencoded")
    assert (form.status_code, again["Idempotency-Replayed"]) == (201, "true")
    assert post(api, LEADS, ANNA).status_code == 422


def test_a_path_without_its_slash_is_the_same_path(api, user):
    assert post(api, LEADS, ANNA).content == post(api, LEADS.rstrip("/"), ANNA).content
    assert Restaurant.objects.count() == 1


def test_the_same_key_of_another_user_is_another_key(api, user):
    other = get_user_model().objects.create_user("other", password=PASSWORD)
    mine, theirs = post(api, LEADS, ANNA), post(signed_in(other), LEADS, ANNA)
    assert (theirs.status_code, "Idempotency-Replayed" in theirs) == (201, False)
    assert mine.json()["id"] != theirs.json()["id"]


# --- The key itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 256, "tab\t", "\x00", "\x7f", "schlüssel", "a\n"])
def test_a_malformed_key_is_refused_and_nothing_is_done(api, user, key):
    answer = post(api, LEADS, ANNA, key)
    assert (answer.status_code, answer.json()) == (400, MALFORMED)
    assert not Restaurant.objects.exists()


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "!~{}[]<>%'"])
def test_all_visible_characters_make_a_key(api, user, key):
    assert [post(api, LEADS, ANNA, key).status_code for _ in range(2)] == [201, 201]
    assert Restaurant.objects.get().name == "Cafe Anna"


@pytest.mark.parametrize("key", ["k1", "not a key"])
def test_other_methods_ignore_the_key(api, lead, key):
    path = f"{LEADS}{lead.pk}/"
    headers = {"Idempotency-Key": key}
    for city in ("Mumbai", "Delhi"):
        assert api.put(path, {"name": "Cafe Anna", "city": city}, headers=headers).json()["city"] == city
        assert api.patch(path, {"city": f"New {city}"}, headers=headers).json()["city"] == f"New {city}"
    assert api.get(path, headers=headers).status_code == 200
    assert api.delete(path, headers=headers).status_code == 204
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["k1", "not a key"])
def test_tokens_are_never_stored(anonymous_client, user, key):
    sign_in = {"username": "kam", "password": PASSWORD}
    answers = [post(anonymous_client, "/api/token/", sign_in, key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() != answers[1].json()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("path", ["/call/feed/", "/contact/cards/"])
def test_a_secret_is_never_stored(api, user, path):
    answers = [post(api, path, {}) for _ in range(2)]
    assert [(answer.status_code, answer["Cache-Control"]) for answer in answers] == [(201, "no-store")] * 2
    assert answers[0].json() != answers[1].json()
    assert not IdempotencyKey.objects.exists()


# --- What is kept, and for how long -----------------------------------------------------------------


@pytest.mark.parametrize("wrong", ['{"city": "Pune"}', "{", "[]", '{"name": "Cafe Anna", "assigned_to": 0}'])
def test_a_refused_request_can_be_corrected_under_its_key(api, user, wrong):
    assert post(api, LEADS, wrong, content_type="application/json").status_code == 400
    assert not IdempotencyKey.objects.exists()
    answer = post(api, LEADS, ANNA)
    assert (answer.status_code, "Idempotency-Replayed" in answer) == (201, False)


def test_a_404_is_not_stored(api, user):
    for _ in range(2):
        answer = post(api, f"{LEADS}0/change_status/", {"status": "LOST"})
        assert (answer.status_code, "Idempotency-Replayed" in answer) == (404, False)


def test_an_error_response_without_an_exception_is_not_stored(api, user, monkeypatch):
    monkeypatch.setattr("lead.views.RestaurantViewSet.create", lambda *args: Response({"detail": "Later."}, 409))
    assert [post(api, LEADS, ANNA).status_code for _ in range(2)] == [409, 409]
    assert not IdempotencyKey.objects.exists()


def test_a_412_is_not_stored(api, lead):
    path, headers = f"{LEADS}{lead.pk}/change_status/", {"Idempotency-Key": "k1", "If-Match": '"old"'}
    assert api.post(path, {"status": "LOST"}, headers=headers).status_code == 412
    headers["If-Match"] = api.get(f"{LEADS}{lead.pk}/")["ETag"]
    done = api.post(path, {"status": "LOST"}, headers=headers)
    again = api.post(path, {"status": "LOST"}, headers=headers)
    assert (done.status_code, again.status_code, again["Idempotency-Replayed"]) == (200, 200, "true")


def test_a_request_without_permission_stores_no_key(anonymous_client, reader):
    assert post(anonymous_client, LEADS, ANNA).status_code == 401
    assert post(signed_in(reader), LEADS, ANNA).status_code == 403
    assert not IdempotencyKey.objects.exists()


def test_a_request_that_failed_is_rolled_back_and_can_be_sent_again(api, lead, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    path = f"{LEADS}{lead.pk}/change_status/"
    api.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr("lead.views.RestaurantViewSet.serialized_response", fail)
        assert post(api, path, {"status": "LOST"}).status_code == 500
    assert (StatusChange.objects.count(), IdempotencyKey.objects.count()) == (0, 0)
    assert post(api, path, {"status": "LOST"}).json()["lead_status"] == "LOST"


@pytest.mark.parametrize(("later", "leads"), [("2024-12-25T08:59:59Z", 1), ("2024-12-25T09:00:01Z", 2)])
def test_a_key_is_stored_for_24_hours_and_then_new_again(user, later, leads):
    client = APIClient()
    client.force_authenticate(user)
    with time_machine.travel("2024-12-24T09:00:00Z", tick=False):
        assert post(client, LEADS, ANNA).status_code == 201
    with time_machine.travel(later, tick=False):
        assert post(client, LEADS, ANNA).status_code == 201
        assert Restaurant.objects.count() == leads
        assert post(client, LEADS, ANNA)["Idempotency-Replayed"] == "true"
    assert Restaurant.objects.count() == leads


def test_an_expired_key_may_be_used_for_another_request(user):
    client = APIClient()
    client.force_authenticate(user)
    with time_machine.travel("2024-12-24T09:00:00Z", tick=False):
        post(client, LEADS, ANNA)
    with time_machine.travel("2024-12-25T10:00:00Z", tick=False):
        assert post(client, LEADS, {"name": "Cafe Blau"}).json()["name"] == "Cafe Blau"
        assert post(client, LEADS, ANNA).status_code == 422


def test_a_stored_answer_is_deleted_with_its_user(api, user):
    post(api, LEADS, ANNA)
    user.delete()
    assert not IdempotencyKey.objects.exists()
