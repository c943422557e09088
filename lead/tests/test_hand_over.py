"""Leads handed over from one user to another: all of them or none."""

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction

from crm.tests.server import at_once
from lead.models import OwnerChange, Restaurant
from lead.signals import owner_changed

PATH = "/lead/restaurants/hand_over/"


@pytest.fixture
def asha(db):
    return get_user_model().objects.create_user("asha")


@pytest.fixture
def leads(user):
    """Three of `user`'s."""
    return [Restaurant.objects.create(name=f"Bistro {number}", assigned_to=user).pk for number in range(3)]


@pytest.fixture
def sent(monkeypatch):
    """The leads that `owner_changed` was sent with."""
    sent: list[list[int]] = []
    monkeypatch.setattr(owner_changed, "receivers", [])
    owner_changed.connect(lambda sender, leads, using, **kwargs: sent.append(leads), Restaurant, weak=False)
    return sent


def hand_over(api, **body):
    return api.post(PATH, body, format="json")


def owners() -> dict:
    return dict(Restaurant.objects.values_list("pk", "assigned_to"))


def test_all_leads_of_a_user_go_to_another(api, user, asha, leads):
    others = Restaurant.objects.create(name="Cafe Blau", assigned_to=asha)

    answer = hand_over(api, **{"from": user.pk, "to": asha.pk})

    assert answer.status_code == 200
    assert answer.json() == {"from": user.pk, "to": asha.pk, "leads": leads}
    assert owners() == dict.fromkeys([*leads, others.pk], asha.pk)
    assert not others.owner_changes.exists()


def test_named_leads_go_and_the_others_stay(api, user, asha, leads):
    answer = hand_over(api, **{"from": user.pk, "to": asha.pk, "leads": [leads[2], leads[0], leads[2]]})

    assert answer.json() == {"from": user.pk, "to": asha.pk, "leads": [leads[0], leads[2]]}
    assert owners() == {leads[0]: asha.pk, leads[1]: user.pk, leads[2]: asha.pk}


def test_unowned_leads_are_handed_over_from_null(api, user, asha, leads):
    Restaurant.objects.filter(pk=leads[1]).update(assigned_to=None)

    assert hand_over(api, **{"from": None, "to": asha.pk}).json() == {"from": None, "to": asha.pk, "leads": [leads[1]]}
    assert owners()[leads[1]] == asha.pk


def test_each_lead_has_a_history_row_of_who_when_and_why(api, user, asha, leads):
    with time_machine.travel("2024-12-28T09:00:00Z", tick=False):
        api.force_authenticate(user)  # the token is of another time
        hand_over(api, **{"from": user.pk, "to": asha.pk, "note": "On leave."})

    for lead in leads:
        (row,) = api.get(f"/lead/restaurants/{lead}/owner_history/").json()
        assert row == {
            "id": row["id"],
            "lead": lead,
            "old_owner": user.pk,
            "new_owner": asha.pk,
            "changed_by": user.pk,
            "changed_at": "2024-12-28T09:00:00Z",
            "note": "On leave.",
        }
        assert api.get(f"/lead/restaurants/{lead}/").json()["updated_at"] == "2024-12-28T09:00:00Z"


def test_owner_changed_is_sent_once_with_all_leads(user, asha, leads, sent):
    assert Restaurant.objects.hand_over(user.pk, asha.pk) == leads
    assert sent == [leads]


def test_where_there_is_nothing_to_hand_over_nothing_happens(api, user, asha, sent):
    assert hand_over(api, **{"from": user.pk, "to": asha.pk}).json()["leads"] == []
    assert sent == []


@pytest.mark.parametrize("whose", ["asha's", "unowned", "not there"])
def test_one_foreign_lead_refuses_the_whole_hand_over(api, user, asha, leads, whose, sent):
    other = Restaurant.objects.create(name="Cafe Blau", assigned_to=asha if whose == "asha's" else None)
    wrong = 999_999 if whose == "not there" else other.pk
    before = owners()

    answer = hand_over(api, **{"from": user.pk, "to": asha.pk, "leads": [*leads, wrong]})

    assert (answer.status_code, answer.json()) == (400, {"leads": [f"Not leads of user {user.pk}: {wrong}."]})
    assert (owners(), OwnerChange.objects.count(), sent) == (before, 0, [])


def test_owned_leads_are_not_handed_over_from_null(api, asha, leads):
    answer = hand_over(api, **{"from": None, "to": asha.pk, "leads": leads[:2]})
    assert answer.json() == {"leads": [f"Not leads without an owner: {leads[0]}, {leads[1]}."]}


def test_a_long_list_of_foreign_leads_is_named_in_part(user, asha):
    with pytest.raises(ValidationError) as error:
        Restaurant.objects.hand_over(user.pk, asha.pk, leads=range(10**6, 10**6 + 5000))
    assert error.value.message_dict["leads"][0].endswith("1000098, 1000099, ….")


def test_a_lead_handed_over_twice_is_refused_the_second_time(api, user, asha, leads):
    body = {"from": user.pk, "to": asha.pk, "leads": leads}
    assert hand_over(api, **body).status_code == 200
    assert list(hand_over(api, **body).json()) == ["leads"]
    assert OwnerChange.objects.count() == 3


@pytest.mark.parametrize("to", ["inactive", "the same"])
def test_leads_go_to_another_active_user_only(api, user, asha, leads, to):
    get_user_model().objects.filter(pk=asha.pk).update(is_active=False)
    answer = hand_over(api, **{"from": user.pk, "to": {"inactive": asha, "the same": user}[to].pk})
    assert (answer.status_code, list(answer.json())) == (400, ["to"])
    assert set(owners().values()) == {user.pk}


def test_the_leads_of_an_inactive_user_can_be_handed_over(api, user, asha, leads):
    get_user_model().objects.filter(pk=user.pk).update(is_active=False)
    api.force_authenticate(asha)
    assert hand_over(api, **{"from": user.pk, "to": asha.pk}).json()["leads"] == leads


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"from": 999_999}, "from"),
        ({"from": "me"}, "from"),
        ({"from": ...}, "from"),
        ({"to": 999_999}, "to"),
        ({"to": None}, "to"),
        ({"to": True}, "to"),
        ({"to": 2**70}, "to"),
        ({"to": ...}, "to"),
        ({"leads": []}, "leads"),
        ({"leads": None}, "leads"),
        ({"leads": 1}, "leads"),
        ({"leads": {"id": 1}}, "leads"),
        ({"leads": ["all"]}, "leads"),
        ({"leads": [0]}, "leads"),
        ({"leads": [None]}, "leads"),
        ({"leads": [2**70]}, "leads"),
        ({"leads": list(range(1, 10_002))}, "leads"),
        ({"note": []}, "note"),
        ({"note": "x" * 20_001}, "note"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_by_name(api, user, asha, leads, change, field):
    body = {"from": user.pk, "to": asha.pk, "leads": leads, **change}
    answer = hand_over(api, **{name: value for name, value in body.items() if value is not ...})
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert set(owners().values()) == {user.pk}


def test_each_invalid_id_is_named_with_its_index(api, user, asha, leads):
    answer = hand_over(api, **{"from": user.pk, "to": asha.pk, "leads": [leads[0], "x", None]})
    assert answer.json() == {
        "leads": ["1: Incorrect type. Expected pk value, received str.", "2: This field may not be null."]
    }


@pytest.mark.parametrize("format", ["multipart", None])
def test_a_form_hands_over_like_json(api, user, asha, leads, format):
    answer = api.post(PATH, {"from": user.pk, "to": asha.pk, "leads": leads[:2]}, format=format)
    assert answer.json() == {"from": user.pk, "to": asha.pk, "leads": leads[:2]}


def test_a_retry_with_its_key_gets_the_first_answer(api, user, asha, leads):
    body, key = {"from": user.pk, "to": asha.pk, "leads": leads}, {"Idempotency-Key": "k1"}
    first, second = (api.post(PATH, body, format="json", headers=key) for _ in range(2))
    assert (first.status_code, second.content) == (200, first.content)
    assert OwnerChange.objects.count() == 3


def test_the_path_is_no_id_of_a_lead(api):
    assert api.get(PATH).status_code == 405


def test_an_exception_of_a_receiver_undoes_the_hand_over(user, asha, leads, monkeypatch):
    monkeypatch.setattr(owner_changed, "receivers", [])
    owner_changed.connect(lambda sender, leads, using, **kwargs: 1 / 0, weak=False)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Restaurant.objects.hand_over(user.pk, asha.pk)
    assert (set(owners().values()), OwnerChange.objects.count()) == ({user.pk}, 0)


def test_it_narrows_to_the_rows_of_its_queryset(user, asha, leads):
    assert Restaurant.objects.filter(name="Bistro 1").hand_over(user.pk, asha.pk) == [leads[1]]


@pytest.mark.parametrize("named", [True, False])
def test_thousands_of_leads_take_a_statement_for_each_thousand(user, asha, sent, named, django_assert_max_num_queries):
    made = Restaurant.objects.bulk_create(Restaurant(name="A", assigned_to=user) for _ in range(2_500))
    ids = [lead.pk for lead in made]
    with django_assert_max_num_queries(40):  # SQLite inserts a hundred rows or so at a time
        assert Restaurant.objects.hand_over(user.pk, asha.pk, leads=reversed(ids) if named else None) == ids
    assert (OwnerChange.objects.count(), sent) == (2_500, [ids])


@pytest.mark.server
def test_of_two_hand_overs_of_the_same_leads_at_once_one_wins_whole(kam):
    users = {user["username"]: user["id"] for user in kam.get("/api/users/")}
    for _ in range(10):
        leads = [kam.create("/lead/restaurants/", {"name": "Bistro Anna"})["id"] for _ in range(8)]
        for lead in leads:
            kam.create("/call/", {"lead": lead, "frequency": "DAILY"})
        bodies = [
            {"from": users["kam"], "to": users["asha"], "leads": leads},
            {"from": users["kam"], "to": users["ravi"], "leads": leads[::-1]},
        ]
        answers = at_once(2, lambda i, bodies=bodies: kam.send("POST", PATH, bodies[i]))

        winner = [answer.status for answer in answers].index(200)
        assert answers[1 - winner].status == 400
        for lead in leads:
            assert kam.get(f"/lead/restaurants/{lead}/")["assigned_to"] == bodies[winner]["to"]
            assert len(kam.get(f"/lead/restaurants/{lead}/owner_history/")) == 1
