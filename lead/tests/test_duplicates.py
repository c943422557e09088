"""Leads that may be one: the pairs of all, those of one lead, and what is said about them."""

from itertools import combinations

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from crm.tests.server import at_once
from lead import candidates
from lead.candidates import Pair, candidates_of, pass_over, record_of
from lead.duplicates import BLOCK, BLOCKS, DuplicateReason, compare
from lead.models import NotDuplicate, Restaurant

PAIRS = "/lead/duplicates/"
LEADS = "/lead/restaurants/"
PHONE = "+91 98765 43210"
BRIEF = ["id", "name", "city", "phone", "email", "lead_status", "assigned_to"]


def path_of(lead, name="duplicates") -> str:
    return f"{LEADS}{lead.pk}/{name}/"


@pytest.fixture
def asha(db):
    return get_user_model().objects.create_user("asha")


@pytest.fixture
def twin(lead, user):
    """Another record of the same restaurant."""
    return Restaurant.objects.create(name="Bistro Ana", city="PUNE", assigned_to=user)


def ids_of(answer) -> list[list[int]]:
    assert answer.status_code == 200, answer.json()
    return [[lead["id"] for lead in pair["leads"]] for pair in answer.json()]


# --- The pairs of all ---------------------------------------------------------------------------------


def test_pairs_have_score_reasons_and_both_leads(api, lead, twin):
    Restaurant.objects.create(name="Cafe Blau", city="Pune")
    lead.edit(phone=PHONE)
    twin.edit(phone="0091 98765-43210")
    (pair,) = api.get(PAIRS).json()
    assert list(pair) == ["score", "reasons", "why", "leads"]
    assert (pair["score"], pair["reasons"]) == (0.88, ["PHONE", "NAMES_ALIKE"])
    assert pair["why"] == "Same phone, names alike."
    assert [list(each) for each in pair["leads"]] == [BRIEF, BRIEF]
    assert [(each["id"], each["name"], each["phone"]) for each in pair["leads"]] == [
        (lead.pk, "Bistro Anna", PHONE),
        (twin.pk, "Bistro Ana", "0091 98765-43210"),
    ]


@pytest.mark.parametrize(
    ("ours", "others", "reason"),
    [
        ({"phone": PHONE}, {"phone": "098765 43210"}, "PHONE"),
        ({"email": "Anna@example.com"}, {"email": "anna@EXAMPLE.com"}, "EMAIL"),
        ({"name": "Smørrebrød", "city": "København"}, {"name": "SMORREBROD", "city": "kobenhavn"}, "NAME_AND_CITY"),
        ({"name": "Uncle Nick’s", "city": "New York"}, {"name": "uncle nick's", "city": "New York City"}, "NAME"),
        (
            {"name": "Second Street Grille", "city": "Goa"},
            {"name": "Second Street Grill", "city": "goa"},
            "NAMES_ALIKE",
        ),
    ],
)
def test_each_kind_of_duplicate_is_found(ours, others, reason, api, db):
    fields = [{"name": "Bistro Anna", **ours}, {"name": "Cafe Blau", **others}]
    one, other = (Restaurant.objects.create(**each) for each in fields)
    (pair,) = api.get(PAIRS).json()
    assert (pair["reasons"], ids_of(api.get(PAIRS))) == ([reason], [[one.pk, other.pk]])
    assert api.get(path_of(one)).json()[0]["reasons"] == [reason]
    assert [row["lead"]["id"] for row in api.get(path_of(other)).json()] == [one.pk]


def test_the_likeliest_pairs_come_first_and_the_weak_ones_may_be_left_out(api, lead, twin):
    called = [Restaurant.objects.create(name=name, phone=PHONE) for name in ("Cafe Blau", "Dosa Corner")]
    weak, strong = [row.pk for row in called], [lead.pk, twin.pk]
    assert ids_of(api.get(PAIRS)) == [strong, weak]
    assert ids_of(api.get(f"{PAIRS}?min_score=0.7")) == [strong]
    assert ids_of(api.get(f"{PAIRS}?min_score=1")) == []


@pytest.mark.parametrize("value", ["2", "-0.1", "x", "nan"])
def test_an_invalid_score_is_a_400_that_names_it(value, api):
    answer = api.get(f"{PAIRS}?min_score={value}")
    assert (answer.status_code, list(answer.json())) == (400, ["min_score"])


def test_unknown_parameters_are_refused_where_that_is_preferred(api):
    answer = api.get(f"{PAIRS}?colour=red", headers={"Prefer": "handling=strict"})
    assert answer.json() == {"colour": ["Unknown parameter."]}


def test_pages_lead_on_by_key_past_pairs_that_are_settled_meanwhile(api, user):
    rows = [Restaurant.objects.create(name=f"Bistro {word}", city="Pune") for word in ("Anna", "Anna", "Ben", "Ben")]
    first = api.get(f"{PAIRS}?page_size=1")
    assert (ids_of(first), first["X-Total-Count"]) == ([[rows[0].pk, rows[1].pk]], "2")
    rows[0].say_not_duplicate(rows[1].pk)
    following = first["Link"].split('rel="next"')[0].rpartition("<")[2].split(">")[0]
    assert ids_of(api.get(following)) == [[rows[2].pk, rows[3].pk]]


def test_leads_that_are_one_by_many_reasons_are_listed_once(api, db):
    rows = [Restaurant.objects.create(name="Anna", city="Goa", phone=PHONE, email="a@b.example") for _ in range(3)]
    assert ids_of(api.get(PAIRS)) == [[one.pk, other.pk] for one, other in combinations(rows, 2)]


@pytest.mark.parametrize("access", ["team", "own"])
def test_both_leads_of_a_pair_are_visible(access, api, lead, twin, asha, settings):
    settings.ACCESS = access
    assert ids_of(api.get(PAIRS)) == [[lead.pk, twin.pk]]
    twin.edit(assigned_to=asha.pk)
    assert api.get(PAIRS).json() == [] == api.get(path_of(lead)).json()
    assert api.get(path_of(twin)).status_code == 404


@pytest.mark.parametrize("access", ["all", "own"])
def test_of_many_leads_the_pass_of_the_last_minute_is_used(access, api, lead, twin, asha, settings, monkeypatch):
    settings.ACCESS = access
    monkeypatch.setattr(candidates, "FEW", 1)
    monkeypatch.setattr(candidates, "_passes", {})
    foreign = [Restaurant.objects.create(name="Cafe Blau", city="Goa", assigned_to=asha).pk for _ in range(2)]
    for owner in (lead.assigned_to, asha):  # one of them is visible
        Restaurant.objects.create(name="Dosa Corner", city="Goa", assigned_to=owner)
    mixed = [foreign[1] + 1, foreign[1] + 2]
    seen = [[lead.pk, twin.pk], foreign, mixed] if access == "all" else [[lead.pk, twin.pk]]
    assert sorted(ids_of(api.get(PAIRS))) == sorted(seen)
    assert api.get(f"{PAIRS}?page_size=1")["X-Total-Count"] == str(len(seen))
    Restaurant.objects.create(name="Bistro Anna", city="Pune", assigned_to_id=lead.assigned_to_id)
    assert sorted(ids_of(api.get(PAIRS))) == sorted(seen)
    lead.say_not_duplicate(twin.pk)
    Restaurant.objects.filter(pk__in=[foreign[0], mixed[1]]).delete()
    assert api.get(PAIRS).json() == []


@pytest.mark.parametrize("count", [3, 30])
def test_the_list_takes_a_fixed_number_of_queries(count, api, user, django_assert_num_queries):
    Restaurant.objects.bulk_create(Restaurant(name=f"Bistro {n // 2}", city="Pune") for n in range(2 * count))
    with django_assert_num_queries(10):  # the token's user, how many leads, five kinds of blocks, rows, pairs, leads
        assert len(api.get(f"{PAIRS}?page_size=50").json()) == count


def test_a_long_block_is_paired_with_the_next_only(api, db):
    Restaurant.objects.bulk_create(Restaurant(name="Anna", city="Goa", phone=PHONE) for _ in range(3 * BLOCK))
    pairs = pass_over(Restaurant.objects.all())
    assert 3 * BLOCK - 1 <= len(pairs) <= 5 * 3 * BLOCK


def test_the_rows_of_a_kind_are_bounded(db, monkeypatch):
    monkeypatch.setattr(candidates, "ROWS", 7)
    Restaurant.objects.bulk_create(Restaurant(name=f"Anna {n // 2}", phone=f"+9198765{n // 2:05}") for n in range(40))
    for fields in BLOCKS:
        assert sum(map(len, candidates.blocks_of(Restaurant.objects.all(), fields))) <= 7


# --- By blocks as by comparing all with all -----------------------------------------------------------

NAMES = ["Bistro Anna", "Bistro Ana", "Anna's", "BISTRO ANNA", "Cafe Blau", "Café Blau", "Anna Maria", "Blau", "Anna"]
leads = st.fixed_dictionaries(
    {
        "name": st.sampled_from(NAMES),
        "city": st.sampled_from(["", "Pune", "PUNE", "Pune City", "Goa"]),
        "phone": st.sampled_from(["", PHONE, "098765 43210", "+4 98765 43210", "5554729", "0"]),
        "email": st.sampled_from(["", "a@b.example", "A@b.example", "b@b.example"]),
        "pincode": st.sampled_from(["", "411001", "411002"]),
    }
)
SURE = set(DuplicateReason) - {DuplicateReason.NAMES_ALIKE}


def shares_a_block(one, other) -> bool:
    keys = [[tuple(getattr(row, name) for name in fields) for row in (one, other)] for fields in BLOCKS]
    return any(ours == others and ours[0] for ours, others in keys)


@runs(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(leads, min_size=2, max_size=9))
def test_the_passes_find_what_comparing_all_with_all_finds(user, rows):
    with transaction.atomic():
        saved = [Restaurant.objects.create(**row) for row in rows]
        expected, lost = set(), set()
        for one, other in combinations(map(record_of, saved), 2):
            if verdict := compare(one, other):
                pair = Pair(verdict.score, one.pk, other.pk, verdict.reasons)
                (expected if shares_a_block(one, other) else lost).add(pair)
        found = pass_over(Restaurant.objects.filter(pk__in=[lead.pk for lead in saved]))
        assert (set(found), len(found)) == (expected, len(expected))
        assert not any(SURE.intersection(pair.reasons) for pair in lost)
        for lead in saved:
            near = {(c.verdict.score, c.row.pk) for c in candidates_of(lead, user)}
            assert near == {(p.score, p.first + p.second - lead.pk) for p in expected if lead.pk in (p.first, p.second)}
        transaction.set_rollback(True)


# --- Of one lead --------------------------------------------------------------------------------------


def test_the_candidates_of_a_lead_are_the_likeliest_first(api, lead, twin):
    same = Restaurant.objects.create(name="BISTRO ANNA", city="Pune", phone=PHONE)
    rows = api.get(path_of(lead)).json()
    assert [list(row) for row in rows] == [["score", "reasons", "why", "lead"]] * 2
    assert [(row["lead"]["id"], row["score"]) for row in rows] == [(same.pk, 0.8), (twin.pk, 0.76)]


@pytest.mark.parametrize("count", [3, 30])
def test_the_candidates_take_a_fixed_number_of_queries(count, api, lead, django_assert_num_queries):
    Restaurant.objects.bulk_create(Restaurant(name="Bistro Anna", city="Pune") for _ in range(count))
    with django_assert_num_queries(5):  # the token's user, the lead, by name, by its beginning, what was said
        assert len(api.get(path_of(lead)).json()) == count


@pytest.mark.parametrize("fields", BLOCKS)
def test_each_kind_of_candidates_is_found_by_index(fields, db):
    rows = Restaurant.objects.filter(**dict.fromkeys(fields, "x")).order_by("pk")[:50]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = rows.explain()
    assert "lead_by" in plan or "lead_in_order_of_name" in plan


# --- Said to be different -----------------------------------------------------------------------------


def test_what_is_said_to_be_different_is_remembered_for_both(api, lead, twin, user):
    answer = api.post(path_of(twin, "not_duplicates"), {"other": lead.pk})
    said = {"other": lead.pk, "said_by": user.pk, "said_at": answer.json()["said_at"]}
    assert (answer.status_code, answer.json()) == (201, said)
    assert api.get(PAIRS).json() == api.get(path_of(lead)).json() == api.get(path_of(twin)).json() == []
    assert api.get(path_of(twin, "not_duplicates")).json() == [said]
    assert api.get(path_of(lead, "not_duplicates")).json() == [{**said, "other": twin.pk}]


def test_it_is_said_once_from_whichever_side(api, lead, twin):
    paths = [(lead, twin), (twin, lead), (lead, twin)]
    answers = [api.post(path_of(one, "not_duplicates"), {"other": other.pk}).status_code for one, other in paths]
    assert (answers, NotDuplicate.objects.count()) == ([201, 200, 200], 1)


@pytest.mark.parametrize("where", ["query", "body"])
def test_it_is_taken_back(where, api, lead, twin):
    lead.say_not_duplicate(twin.pk)
    path = path_of(twin, "not_duplicates")
    answer = api.delete(f"{path}?other={lead.pk}") if where == "query" else api.delete(path, {"other": lead.pk})
    assert answer.status_code == 204
    assert ids_of(api.get(PAIRS)) == [[lead.pk, twin.pk]]
    assert api.delete(f"{path}?other={lead.pk}").json() == {"detail": "Nobody has said that these two are different."}


@pytest.mark.parametrize("method", ["post", "delete"])
@pytest.mark.parametrize("body", [{}, {"other": "x"}, {"other": 900_009}, {"other": None}])
def test_an_invalid_other_is_a_400_that_names_it(method, body, api, lead):
    answer = getattr(api, method)(path_of(lead, "not_duplicates"), body, format="json")
    assert (answer.status_code, list(answer.json())) == (400, ["other"])


def test_a_lead_is_no_other_than_itself(api, lead):
    answer = api.post(path_of(lead, "not_duplicates"), {"other": lead.pk})
    assert (answer.status_code, answer.json()) == (400, {"other": ["Choose another lead."]})


def test_who_sees_one_of_two_leads_cannot_say_that_they_are_different(api, lead, twin, asha, settings):
    lead.say_not_duplicate(twin.pk)
    twin.edit(assigned_to=asha.pk)
    settings.ACCESS = "own"
    for method in (api.post, api.delete):
        assert list(method(path_of(lead, "not_duplicates"), {"other": twin.pk}).json()) == ["other"]
        assert method(path_of(twin, "not_duplicates"), {"other": lead.pk}).status_code == 404
    assert api.get(path_of(lead, "not_duplicates")).json() == []
    assert NotDuplicate.objects.count() == 1


def test_the_database_holds_a_pair_once_and_in_order(lead, twin):
    lead.say_not_duplicate(twin.pk)
    for first, second in [(lead, twin), (twin, lead), (lead, lead)]:
        with pytest.raises(IntegrityError), transaction.atomic():
            NotDuplicate.objects.create(first=first, second=second)


def test_what_was_said_goes_with_a_lead_and_stays_without_its_author(api, lead, twin, user):
    third = Restaurant.objects.create(name="Bistro Anna")
    lead.say_not_duplicate(twin.pk, by=user)
    lead.say_not_duplicate(third.pk)
    third.delete()
    user.delete()
    (said,) = NotDuplicate.objects.all()
    assert (said.first_id, said.second_id, said.created_by) == (lead.pk, twin.pk, None)


@pytest.mark.server
def test_two_who_say_it_at_once_from_both_sides_say_it_once(server):
    kam = server.client("kam")
    for _ in range(20):
        pks = [kam.create(LEADS, {"name": "Bistro Anna"})["id"] for _ in range(2)]

        def say(i, pks=pks):
            return kam.send("POST", f"{LEADS}{pks[i % 2]}/not_duplicates/", {"other": pks[1 - i % 2]}).status

        assert sorted(at_once(4, say)) == [200, 200, 200, 201]
        assert [row["other"] for row in kam.get(f"{LEADS}{pks[0]}/not_duplicates/")] == [pks[1]]
