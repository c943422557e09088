"""A row that one may not see answers as one that does not exist: status, body, headers, whatever is sent along."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from call.models import CallPlan
from contact.models import Contact
from crm.tests.rows import MISSING, Cast
from crm.tests.support import client_of
from crm.tests.test_access import as_json
from crm.tests.test_row_access import HIDDEN_STATUS, bodies_of
from lead.models import Restaurant
from track.models import Interaction

ROW_REQUESTS = [
    (method, route)
    for route, methods in HIDDEN_STATUS.items()
    for method in methods
    if "<pk>" in route and "teams" not in route
]
HEADERS = {
    "nothing": {},
    "a tag": {"If-Match": '"0123456789abcdef0123456789abcdef"', "Prefer": "handling=strict"},
    "any tag": {"If-Match": "*", "Idempotency-Key": "once"},
    "no tag": {"If-None-Match": "*"},
}


@pytest.fixture
def cast(db, settings):
    settings.ACCESS = "own"
    return Cast.create()


@pytest.fixture
def outsider(cast):
    return client_of(cast.users["outsider"])


def content_of(answer) -> tuple:
    """All that an answer shows but the id that was sent and the request's own."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status_code, re.sub(rb"\b900\d{3}\b", b"ID", answer.content), headers


@pytest.mark.parametrize("sent", HEADERS)
def test_a_hidden_row_answers_as_a_missing_one(sent, cast, outsider):
    bodies = bodies_of(cast, "outsider")
    for method, route in ROW_REQUESTS:
        answers = []
        for missing in (False, True):
            body = None if method in ("GET", "HEAD") else bodies.get(route)
            with transaction.atomic():
                path = cast.path(route, "?page=1&colour=red", missing=missing)
                answer = outsider.generic(method, path, headers=HEADERS[sent], **as_json(body))
                transaction.set_rollback(True)
            answers.append(content_of(answer))
        assert answers[0] == answers[1], (method, route)
        assert answers[0][0] == 404, (method, route)


@pytest.mark.parametrize("change", ["hidden", "gone"])
def test_a_stored_answer_shows_no_row_that_is_hidden_by_now(change, cast, outsider):
    owner, key = client_of(cast.users["owner"]), {"headers": {"Idempotency-Key": "once"}, "format": "json"}
    verb, body = cast.path("/lead/restaurants/<pk>/change_status/"), {"status": "CONTACTED"}
    first = [owner.post(verb, body, **key) for _ in range(2)]
    assert [answer.status_code for answer in first] == [200, 200]
    cast.lead.edit(assigned_to=cast.users["outsider"])
    if change == "gone":
        cast.lead.delete()
    answer = owner.post(verb, body, **key)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_an_invalid_body_for_a_hidden_row_is_not_looked_at(cast, outsider):
    for method, route in ROW_REQUESTS:
        if method in ("POST", "PUT", "PATCH"):
            body = as_json({"lead_status": "?", "quantity": -1, "lead": MISSING, "contact": "x", "status": 1})
            answers = [content_of(outsider.generic(method, cast.path(route, missing=m), **body)) for m in (False, True)]
            assert answers[0] == answers[1] and answers[0][0] == 404, (method, route)


def test_options_of_a_hidden_row_are_those_of_a_missing_one(cast, outsider):
    for route in {route for _, route in ROW_REQUESTS}:
        answers = [content_of(outsider.options(cast.path(route, missing=missing))) for missing in (False, True)]
        assert answers[0] == answers[1], route


def test_a_hidden_team_answers_as_a_missing_one(cast, outsider):
    for method in ("get", "head", "put", "delete"):
        paths = [f"/api/teams/{pk}/" for pk in (cast.team.pk, MISSING)]
        assert content_of(getattr(outsider, method)(paths[0])) == content_of(getattr(outsider, method)(paths[1]))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/contact/contacts/", {"restaurant": "lead", "name": "A"}),
        ("post", "/track/interactions/", {"lead": "lead", "interaction_type": "EMAIL"}),
        ("post", "/track/interactions/", {"lead": "lead", "contact": "contact", "interaction_type": "EMAIL"}),
        ("post", "/track/interactions/", {"lead": "mine", "contact": "contact", "interaction_type": "CALL"}),
        ("post", "/call/", {"lead": "lead", "frequency": "DAILY"}),
        ("patch", "/contact/contacts/{contact}/", {"restaurant": "lead"}),
        ("patch", "/track/interactions/{interaction}/", {"lead": "lead"}),
        ("patch", "/track/interactions/{interaction}/", {"contact": "contact"}),
        ("patch", "/track/interactions/{interaction}/", {"lead": "lead", "contact": "contact"}),
        ("put", "/track/interactions/{interaction}/", {"lead": "lead", "interaction_type": "CALL"}),
        ("patch", "/call/{plan}/", {"lead": "lead"}),
        ("post", "/call/{plan}/record_call/", {"contact": "contact"}),
        ("post", "/lead/restaurants/hand_over/", {"from": "me", "to": "me", "leads": ["lead"]}),
        ("post", "/lead/restaurants/hand_over/", {"from": "them", "to": "me", "leads": ["lead"]}),
        ("post", "/lead/restaurants/hand_over/", {"from": None, "to": "me", "leads": ["mine", "lead"]}),
        ("post", "/lead/restaurants/hand_over/", {"from": "me", "to": "owner"}),
        ("post", "/lead/restaurants/", {"name": "A", "assigned_to": "owner"}),
        ("patch", "/lead/restaurants/{mine}/", {"assigned_to": "owner"}),
    ],
)
def test_a_hidden_id_in_a_body_is_an_unknown_one(method, path, body, cast, outsider):
    me = cast.users["outsider"]
    mine = Restaurant.objects.create(name="Mine", assigned_to=me)
    own = {
        "mine": mine.pk,
        "contact": Contact.objects.create(restaurant=mine, name="Ben").pk,
        "interaction": Interaction.log(lead=mine, interaction_type="CALL").pk,
        "plan": CallPlan.objects.create(lead=mine, frequency="DAILY").pk,
    }
    hidden = {"lead": cast.lead.pk, "contact": cast.contact.pk, "owner": cast.users["owner"].pk}
    answers = []
    for ids in (hidden, dict.fromkeys(hidden, MISSING)):
        known = {**ids, "mine": mine.pk, "me": me.pk, "them": hidden["owner"]}
        sent = {
            name: [known[each] for each in value] if isinstance(value, list) else known.get(value, value)
            for name, value in body.items()
        }
        answers.append(content_of(getattr(outsider, method)(path.format(**own), sent, format="json")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 400


def test_a_filter_by_a_hidden_id_finds_nothing(cast, outsider):
    Interaction.log(
        lead=Restaurant.objects.create(name="Mine", assigned_to=cast.users["outsider"]), interaction_type="CALL"
    )
    owner, lead, contact = cast.users["owner"].pk, cast.lead.pk, cast.contact.pk
    for path in (
        f"/lead/restaurants/?assigned_to={owner}",
        "/lead/restaurants/?assigned_to=none",
        "/lead/restaurants/?search=anna",
        f"/contact/contacts/?restaurant={lead}",
        "/contact/contacts/?search=asha",
        f"/track/interactions/?lead={lead}",
        f"/track/interactions/?contact={contact}",
        "/track/interactions/?search=anna",
        f"/track/interactions/orders/?lead={lead}",
        f"/call/?lead={lead}",
        "/call/?search=anna",
    ):
        unknown = re.sub(r"=\d+$|=[a-z]{4}$", f"={MISSING}", path)
        assert outsider.get(path).json() == [] == outsider.get(unknown).json(), path
        pages = [outsider.get(each + "&page=1") for each in (path, unknown)]
        assert [page["X-Total-Count"] for page in pages] == ["0", "0"], path


def test_the_agenda_of_a_hidden_user_is_that_of_no_user(cast):
    Restaurant.objects.create(name="Cafe Blau")  # unowned: seen by all managers
    for person in ("beside", "outsider"):
        client = client_of(cast.users[person])
        hidden = [cast.users[name].pk for name in ("owner", "above", "view_all")]
        agendas = [client.get(f"/call/agenda/?owner={pk}").json() for pk in [*hidden, MISSING]]
        assert agendas[:-1] == agendas[-1:] * 3, person


def test_the_feed_of_a_user_has_the_plans_of_own_leads_alone(cast, outsider):
    other = Restaurant.objects.create(name="Cafe Blau", assigned_to=cast.users["teammate"])
    CallPlan.objects.create(lead=other, frequency="DAILY")
    content = outsider.get(cast.path("/call/feed/<str:secret>.ics")).content
    assert (content.count(b"BEGIN:VEVENT"), b"Bistro Anna" in content) == (1, True)


def test_what_an_interaction_has_may_be_sent_back(cast):
    """Its contact may have moved to a lead that one does not see."""
    owner = client_of(cast.users["owner"])
    theirs = Restaurant.objects.create(name="Theirs", assigned_to=cast.users["outsider"])
    Contact.objects.get(pk=cast.contact.pk).edit(restaurant=theirs)
    path = cast.path("/track/interactions/<pk>/")
    body = owner.get(path).json()
    assert owner.put(path, body, format="json").json() == body


def test_leads_are_given_to_active_users_whose_leads_one_sees(cast, settings):
    users = cast.users
    users["teammate"].is_active = False
    users["teammate"].save()
    for mode, person, to, status in [
        ("own", "owner", "owner", 200),
        ("own", "owner", "reader", 400),
        ("own", "above", "reader", 200),
        ("own", "above", "teammate", 400),
        ("own", "view_all", "teammate", 400),
        ("own", "view_all", "beside", 200),
        ("team", "owner", "reader", 200),
        ("team", "owner", "above", 400),
        ("all", "outsider", "teammate", 200),
    ]:
        settings.ACCESS = mode
        with transaction.atomic():
            path, body = cast.path("/lead/restaurants/<pk>/"), {"assigned_to": users[to].pk}
            answer = client_of(users[person]).patch(path, body, format="json")
            transaction.set_rollback(True)
        assert answer.status_code == status, (mode, person, to)


if connection.vendor == "postgresql":  # SQLite locks no rows

    @pytest.mark.django_db(transaction=True)
    def test_a_locked_hidden_row_is_not_waited_for(settings):
        settings.ACCESS = "own"
        cast = Cast.create()
        me = cast.users["outsider"]
        mine = Restaurant.objects.create(name="Mine", assigned_to=me)
        bodies = bodies_of(cast, "outsider")
        requests = [(method, cast.path(route), bodies.get(route)) for method, route in ROW_REQUESTS]
        requests += [
            ("POST", "/track/interactions/", {"lead": cast.lead.pk, "interaction_type": "CALL"}),
            ("POST", "/track/interactions/", {"lead": mine.pk, "contact": cast.contact.pk, "interaction_type": "CALL"}),
            ("POST", "/lead/restaurants/hand_over/", bodies["/lead/restaurants/hand_over/"]),
        ]

        def statuses() -> list[int]:
            try:
                connection.cursor().execute("SET lock_timeout = '300ms'")  # a wait is a 409
                client = client_of(me)
                bodies = [None if method in ("GET", "HEAD") else body for method, _, body in requests]
                sent = zip(requests, bodies, strict=True)
                return [client.generic(method, path, **as_json(body)).status_code for (method, path, _), body in sent]
            finally:
                connection.close()

        with transaction.atomic(), ThreadPoolExecutor(1) as pool:
            for model in (Restaurant, Contact, Interaction, CallPlan):
                list(model.objects.locked_with_keys().exclude(pk=mine.pk))
            found = pool.submit(statuses).result()
        assert (set(found[:-3]), found[-3:]) == ({404}, [400] * 3)


def test_a_search_does_not_find_a_hidden_contact_by_its_name(cast):
    """Of an interaction that one sees, whose contact works for a lead of others by now."""
    owner = client_of(cast.users["owner"])
    assert [row["id"] for row in owner.get("/track/interactions/?search=asha").json()] == [cast.interaction.pk]
    hidden = Restaurant.objects.create(name="Beside", assigned_to=cast.users["outsider"])
    Contact.objects.filter(pk=cast.contact.pk).update(restaurant=hidden)
    assert owner.get("/track/interactions/?search=asha").json() == []
    assert [row["id"] for row in owner.get("/track/interactions/?search=anna").json()] == [cast.interaction.pk]
    everything = client_of(cast.users["view_all"])
    assert [row["id"] for row in everything.get("/track/interactions/?search=asha").json()] == [cast.interaction.pk]
