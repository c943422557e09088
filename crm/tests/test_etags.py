"""Conditional requests: tags on what is read and written, 304 for what the client has, 412 where it has changed."""

import pytest

from crm.tests.tagged import GONE, KINDS, ORDER, STALE, every_thing, every_write, everything, send
from track.models import OrderDetails

# --- Tags -----------------------------------------------------------------------------------------


@every_thing
def test_a_detail_has_a_strong_tag_and_must_be_revalidated(api, thing):
    answer = api.get(thing.path)
    assert answer["ETag"].startswith('"') and answer["ETag"].endswith('"') and len(answer["ETag"]) == 34
    assert answer["Cache-Control"] == "no-cache"


@every_thing
def test_reading_twice_gives_the_same_tag(api, thing):
    assert api.get(thing.path)["ETag"] == api.get(thing.path)["ETag"] == api.head(thing.path)["ETag"]


@pytest.mark.parametrize("thing", [kind for kind in KINDS if kind != "order"], indirect=True)
def test_a_creation_answers_with_the_tag_that_reading_gives(api, thing):
    answer = api.post(thing.list, thing.new)
    read = api.get(f"{thing.list}{answer.json()['id']}/")
    assert (answer.status_code, answer["ETag"], answer.content) == (201, read["ETag"], read.content)
    assert answer["Cache-Control"] == "no-cache"


@every_write
def test_a_write_answers_with_the_tag_of_a_read_a_deletion_with_none(api, write):
    row, method, path, body = write
    before = api.get(row)["ETag"]
    answer = send(api, method, path, body)
    if method == "DELETE":
        assert "ETag" not in answer and answer["Cache-Control"] == "no-store"
    else:
        assert answer["ETag"] == api.get(row)["ETag"] != before
        assert answer["Cache-Control"] == "no-cache"


def test_order_details_that_are_created_answer_with_their_tag(api, interaction):
    path = f"/track/interactions/{interaction.pk}/order_details/"
    answer = api.put(path, ORDER)
    assert (answer.status_code, answer["ETag"]) == (201, api.get(path)["ETag"])


@pytest.mark.parametrize("path", ["/api/me/", "/lead/restaurants/{}/status_history/"])
def test_other_details_have_a_tag_too(api, lead, path):
    tag = api.get(path.format(lead.pk))["ETag"]
    assert api.get(path.format(lead.pk), headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "path",
    ["/lead/restaurants/", "/track/interactions/orders/", "/call/today/", "/api/users/", "/lead/restaurants/0/", "/no"],
)
def test_lists_and_errors_have_no_tag_and_are_not_to_be_stored(api, path):
    answer = api.get(path)
    assert "ETag" not in answer
    assert answer["Cache-Control"] == "no-store"


def test_tokens_are_not_to_be_stored_and_have_no_tag(anonymous_client, user):
    answer = anonymous_client.post("/api/token/", {"username": "kam", "password": "wrong"})
    assert ("ETag" in answer, answer["Cache-Control"]) == (False, "no-store")


def test_options_has_no_tag_and_ignores_conditions(api, lead):
    answer = api.options(f"/lead/restaurants/{lead.pk}/", headers={"If-None-Match": "*"})
    assert (answer.status_code, "ETag" in answer) == (200, False)


# --- If-None-Match --------------------------------------------------------------------------------


@every_thing
def test_a_read_with_the_current_tag_is_a_304(api, thing):
    tag = api.get(thing.path)["ETag"]
    answer = api.get(thing.path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert answer["Cache-Control"] == "no-cache"
    assert "Content-Type" not in answer and "Content-Length" not in answer


@pytest.mark.parametrize("header", ["{}", "W/{}", "*", " * ", '"other", {}', 'W/"other",W/{}', "{}, "])
def test_if_none_match_takes_lists_weak_tags_and_the_asterisk(api, lead, header):
    path = f"/lead/restaurants/{lead.pk}/"
    header = header.format(api.get(path)["ETag"])
    assert api.get(path, headers={"If-None-Match": header}).status_code == 304
    assert api.head(path, headers={"If-None-Match": header}).status_code == 304


@pytest.mark.parametrize("header", ['"other"', "", "w/{}", "{}x", "x{}"])
def test_if_none_match_with_another_tag_gets_the_row(api, lead, header):
    path = f"/lead/restaurants/{lead.pk}/"
    answer = api.get(path, headers={"If-None-Match": header.format(api.get(path)["ETag"])})
    assert (answer.status_code, answer.json()["name"]) == (200, "Bistro Anna")


def test_after_a_change_the_old_tag_gets_the_row(api, lead):
    path = f"/lead/restaurants/{lead.pk}/"
    tag = api.get(path)["ETag"]
    api.patch(path, {"city": "Mumbai"})
    assert api.get(path, headers={"If-None-Match": tag}).json()["city"] == "Mumbai"


def test_a_missing_row_is_a_404_under_any_if_none_match(api):
    assert api.get("/lead/restaurants/0/", headers={"If-None-Match": "*"}).status_code == 404


def test_if_none_match_asterisk_lets_order_details_be_created_once(api, interaction):
    path = f"/track/interactions/{interaction.pk}/order_details/"
    first = api.put(path, ORDER, headers={"If-None-Match": "*"})
    second = api.put(path, ORDER | {"quantity": 1}, headers={"If-None-Match": "*"})
    assert (first.status_code, second.status_code) == (201, 412)
    assert OrderDetails.objects.get().quantity == 50


def test_a_write_with_the_tag_of_if_none_match_is_refused(api, lead):
    path = f"/lead/restaurants/{lead.pk}/"
    tag = api.get(path)["ETag"]
    assert api.patch(path, {"city": "Mumbai"}, headers={"If-None-Match": f"W/{tag}"}).status_code == 412
    assert api.patch(path, {"city": "Mumbai"}, headers={"If-None-Match": STALE}).status_code == 200


# --- If-Match -------------------------------------------------------------------------------------


@every_write
def test_a_write_under_an_old_tag_is_refused_and_changes_nothing(api, write):
    row, method, path, body = write
    before = everything()
    answer = send(api, method, path, body, If_Match=STALE)
    assert (answer.status_code, answer.json()) == (412, GONE)
    assert ("ETag" in answer, answer["Cache-Control"]) == (False, "no-store")
    assert everything() == before


@every_write
def test_a_write_under_the_current_tag_is_done_once(api, write):
    row, method, path, body = write
    tag = api.get(row)["ETag"]
    assert send(api, method, path, body, If_Match=tag).status_code in (200, 204)
    assert send(api, method, path, body, If_Match=tag).status_code == (404 if method == "DELETE" else 412)


@every_write
def test_if_match_asterisk_requires_only_an_existing_row(api, write):
    _, method, path, body = write
    assert send(api, method, path, body, If_Match="*").status_code in (200, 204)


@pytest.mark.parametrize(
    ("header", "status"), [('"other", {}', 200), ("{} ,W/{}", 200), ('"other", W/{}', 200), ("", 412)]
)
def test_if_match_takes_lists(api, lead, header, status):
    path = f"/lead/restaurants/{lead.pk}/"
    header = header.replace("{}", api.get(path)["ETag"])
    assert api.patch(path, {"city": "Mumbai"}, headers={"If-Match": header}).status_code == status


def test_the_order_details_have_a_tag_of_their_own(api, interaction):
    interaction.write_order(**ORDER)
    path = f"/track/interactions/{interaction.pk}/"
    answer = api.patch(f"{path}order_details/", {"quantity": 1}, headers={"If-Match": api.get(path)["ETag"]})
    assert answer.status_code == 412
    assert OrderDetails.objects.get().quantity == 50


def test_missing_order_details_match_no_tag(api, interaction):
    answer = api.put(f"/track/interactions/{interaction.pk}/order_details/", ORDER, headers={"If-Match": "*"})
    assert answer.status_code == 412
    assert not OrderDetails.objects.exists()


def test_a_missing_row_is_a_404_under_any_if_match(api, user):
    assert api.patch("/lead/restaurants/0/", {"city": "Pune"}, headers={"If-Match": "*"}).status_code == 404
    assert api.delete("/lead/restaurants/0/", headers={"If-Match": STALE}).status_code == 404


def test_the_tag_is_checked_before_the_body(api, lead):
    answer = api.patch(f"/lead/restaurants/{lead.pk}/", {"lead_status": "NONSENSE"}, headers={"If-Match": STALE})
    assert answer.status_code == 412


def test_a_deletion_without_content_claims_no_length(api, contact):
    answer = api.delete(f"/contact/contacts/{contact.pk}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Length" not in answer and "Content-Type" not in answer
