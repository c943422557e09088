"""Of requests that come at once and prefer no duplicates one creates the row, over HTTP and in several processes."""

from functools import partial

import pytest

from crm.tests.server import at_once

pytestmark = pytest.mark.server

ROUNDS, AT_ONCE = 5, 6


@pytest.mark.parametrize("table", ["leads", "contacts"])
def test_of_those_that_come_at_once_one_is_created(table, kam):
    lead = kam.create("/lead/restaurants/", {"name": "Udupi Palace", "city": "Chennai"})["id"]
    for number in range(ROUNDS):
        name = "".join(chr(ord("A") + (number * 7 + place * 5) % 26) for place in range(8)).title()
        path, fields = {
            "leads": ("/lead/restaurants/", {"city": "Pune"}),
            "contacts": ("/contact/contacts/", {"restaurant": lead}),
        }[table]

        answers = at_once(AT_ONCE, partial(post, kam, path, {"name": name, **fields}))

        assert sorted(status for status, _ in answers) == [201] + [409] * (AT_ONCE - 1)
        assert len({pk for _, ids in answers for pk in ids}) == 1


def post(kam, path: str, body: dict, _place: int) -> tuple[int, list[int]]:
    """The status, and the ids of the new row or of the candidates."""
    answer = kam.send("POST", path, body, Prefer="duplicates=reject")
    if answer.status == 201:
        return answer.status, [answer.json()["id"]]
    rows = [each.get("lead") or each["contact"] for each in answer.json()["candidates"]]
    return answer.status, [row["id"] for row in rows]
