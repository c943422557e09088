"""The pages are in the browser's language. What the API answers is documented, and stays as it is."""

import json

import pytest
from django.test import Client
from django.utils import translation

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture(params=["en", "de"])
def language_code(request, settings):
    settings.LANGUAGE_CODE = request.param
    yield request.param
    translation.activate("en")


def requests(api, lead, headers) -> dict[str, bytes]:
    """Answers with texts of Django, of DRF and of ours."""
    answers = {
        "required": api.post("/lead/restaurants/", {}, headers=headers),
        "choice": api.post("/lead/restaurants/", {"name": "A", "lead_status": "x", "email": "x"}, headers=headers),
        "number": api.patch(f"/lead/restaurants/{lead.pk}/", {"potential_revenue": "1,5"}, headers=headers),
        "missing": api.get("/lead/restaurants/0/", headers=headers),
        "method": api.delete("/call/me/", headers=headers),
        "filter": api.get("/lead/restaurants/?created_at_after=x", headers=headers),
        "zone": api.patch("/call/me/", {"time_zone": "x", "working_days": []}, headers=headers),
        "json": api.generic("POST", "/lead/restaurants/", "{", content_type="application/json", headers=headers),
        "token": api.post("/api/token/", {"username": "kam", "password": "wrong"}, headers=headers),
        "anonymous": Client().get("/lead/restaurants/", headers=headers),
        "path": Client().get("/nothing/", headers=headers),
    }
    return {name: b"%d %s" % (answer.status_code, answer.content) for name, answer in answers.items()}


def test_errors_of_the_api_do_not_follow_the_language(api, lead, language_code, admin_client):
    expected = requests(api, lead, {})
    page = admin_client.get("/admin/lead/restaurant/", headers=GERMAN)
    assert 'lang="de"' in page.text and "Abmelden" in page.text
    assert requests(api, lead, GERMAN) == expected
    assert b"This field is required." in expected["required"]
    assert b"is not a valid choice" in expected["choice"]
    assert b"A valid number is required." in expected["number"]
    assert not any(b"Diese" in body or b"Bitte" in body for body in expected.values())


def test_an_answer_of_the_api_says_nothing_of_languages(api, lead):
    answer = api.get(f"/lead/restaurants/{lead.pk}/", headers=GERMAN)
    assert "Content-Language" not in answer.headers
    assert "Accept-Language" not in answer.headers.get("Vary", "")


def test_a_line_of_the_timeline_is_written_in_english(api, interaction, language_code, settings):
    interaction.write_order(product_details="Oil", quantity=1200, total_price="1234.50")
    path = f"/lead/restaurants/{interaction.lead_id}/timeline/"
    Client().get("/admin/login/", headers=GERMAN)
    assert "Oil · quantity 1,200 · 1,234.50" in json.dumps(api.get(path).json(), ensure_ascii=False)
    settings.CURRENCY = "INR"
    assert "Oil · quantity 1,200 · 1,234.50 INR" in json.dumps(api.get(path).json(), ensure_ascii=False)


@pytest.mark.parametrize(
    ("accepted", "language"), [("de", "de"), ("de-CH", "de"), ("en-GB", "en"), ("fr", "en"), ("*", "en"), ("", "en")]
)
def test_a_page_is_in_the_browsers_language(db, accepted, language):
    page = Client().get("/admin/login/", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in page.text
    assert page["Content-Language"] == language
    assert "Accept-Language" in page["Vary"]


def test_a_browser_without_a_language_gets_the_configured_one(db, settings):
    settings.LANGUAGE_CODE = "de"
    assert '<html lang="de"' in Client().get("/admin/login/").text
    assert '<html lang="en"' in Client().get("/admin/login/", headers={"Accept-Language": "en"}).text
