"""My day on a phone and on paper: it installs, loads little, asks for the work profile once, and prints on a sheet."""

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from playwright.sync_api import expect

from crm.tests import PASSWORD
from e2e.support import PHONE

MOST = 300_000  # bytes, with everything that the page loads
CALLS = 25
ORDER = {"product_details": "Oil", "quantity": 3, "total_price": 12345.5}
PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")
MOBILE = {"viewport": PHONE, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="session")
def due(playwright, url) -> list[str]:
    """The phone numbers of a day's calls of the planner."""
    anonymous = playwright.request.new_context(base_url=url)
    token = anonymous.post("/api/token/", data={"username": "planner", "password": PASSWORD}).json()["access"]
    api = playwright.request.new_context(base_url=url, extra_http_headers={"Authorization": f"Bearer {token}"})

    def create(path: str, **data) -> dict:
        answer = api.post(path, data=data)
        assert answer.ok, answer.text()
        return answer.json()

    owner = api.get("/api/me/").json()["id"]
    now = parsedate_to_datetime(anonymous.get("/healthz").headers["date"])  # by the server's clock
    phones = [f"+91 98220 {number:05}" for number in range(CALLS)]
    for number, phone in enumerate(phones):
        lead = create("/lead/restaurants/", name=f"Bistro of the day {number}", city="Pune", assigned_to=owner)["id"]
        create("/contact/contacts/", restaurant=lead, name=f"Asha Rao {number}", role="Manager", phone=phone)
        visited, ordered = ((now - timedelta(days=days)).isoformat() for days in (20, 30))
        said = "Talked about the menu of the season, and about the new oil."
        create("/track/interactions/", lead=lead, interaction_type="VISIT", date=visited, details=said)
        create(
            "/track/interactions/", lead=lead, interaction_type="ORDER", order_placed=True, date=ordered, order=ORDER
        )
        on = (now - timedelta(days=number % 2, minutes=1)).isoformat()
        create("/call/", lead=lead, frequency="WEEKLY", next_call_date=on)
    api.dispose()
    anonymous.dispose()
    return phones


def test_the_page_can_be_installed_and_begins_with_my_day(page_of):
    page = page_of("planner", **MOBILE)
    page.goto("/admin/")
    found = page.context.new_cdp_session(page).send("Page.getAppManifest")
    assert found["errors"] == []
    manifest = page.request.get(found["url"])
    assert manifest.headers["content-type"] == "application/manifest+json"
    assert "default-src 'self'" in manifest.headers["content-security-policy"]
    path = page.evaluate(
        "([address, base]) => new URL(address, base).pathname", [manifest.json()["start_url"], found["url"]]
    )
    assert path == "/admin/my-day/"
    apple = page.locator('link[rel="apple-touch-icon"]').get_attribute("href")
    icons = [(icon["src"], icon["sizes"]) for icon in manifest.json()["icons"]] + [(apple, "180x180")]
    for address, size in icons:
        measured = page.evaluate(
            """([address, base]) => new Promise((resolve, reject) => {
                const image = new Image();
                image.onload = () => resolve(`${image.naturalWidth}x${image.naturalHeight}`);
                image.onerror = reject;
                image.src = new URL(address, base);
            })""",
            [address, found["url"]],
        )
        assert measured == size
    assert {icon.get("purpose", "any") for icon in manifest.json()["icons"]} == {"any", "maskable"}


def test_no_service_worker_could_show_an_old_day(page_of):
    page = page_of("planner", **MOBILE)
    answer = page.goto("/admin/my-day/")
    assert answer.headers["cache-control"].startswith(("no-store", "max-age=0"))
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then(found => found.length)") == 0


def test_a_day_of_25_calls_loads_in_under_300_kb(page_of, due):
    page = page_of("planner", **MOBILE)
    page.goto("/admin/my-day/")
    expect(page.locator(".entry:visible")).to_have_count(CALLS)
    loaded = page.evaluate(
        """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .map(entry => [entry.name, entry.transferSize])"""
    )
    assert len(loaded) > 5 and all(size for _, size in loaded), loaded
    assert sum(size for _, size in loaded) < MOST, loaded


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_day_is_printed_on_one_sheet_with_readable_numbers(page_of, due, theme):
    page = page_of("planner", color_scheme=theme)
    page.goto("/admin/my-day/")
    assert len(PAGE.findall(page.pdf(format="A4"))) == 1
    page.emulate_media(media="print")
    expect(page.locator("button:visible, input:visible, select:visible, summary:visible")).to_have_count(0)
    for phone in due:
        expect(page.get_by_role("link", name=phone, exact=True)).to_be_visible()
    styles = page.locator(".person a:visible").evaluate_all(
        "links => links.map(link => [parseFloat(getComputedStyle(link).fontSize), getComputedStyle(link).color])"
    )
    assert len(styles) == CALLS
    assert all(size >= 13 and color == "rgb(0, 0, 0)" for size, color in styles), styles


def test_the_browsers_zone_is_proposed_once_and_then_used(page_of):
    page = page_of("newcomer", timezone_id="America/Sao_Paulo", **MOBILE)
    page.goto("/admin/my-day/")
    expect(page.get_by_label("Time zone")).to_have_value("America/Sao_Paulo")
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("heading", name="My day")).to_be_visible()
    expect(page.get_by_role("heading", name="When and where do you work?")).to_have_count(0)
    page.get_by_role("link", name="UTC").click()
    expect(page.get_by_label("Time zone")).to_have_value("America/Sao_Paulo")
    page.get_by_label("Saturday").check()
    page.get_by_label("Country").select_option("Brazil")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. Times and days are in America/Sao_Paulo now.")).to_be_visible()
    expect(page.get_by_label("Saturday")).to_be_checked()
    page.goto("/admin/my-day/")
    expect(page.get_by_role("link", name="America/Sao_Paulo")).to_be_visible()


def test_without_a_script_the_servers_zone_is_proposed(page_of):
    page = page_of("scriptless", timezone_id="Asia/Kolkata", java_script_enabled=False)
    page.goto("/admin/my-day/")
    expect(page.get_by_label("Time zone")).to_have_value("UTC")
    page.get_by_label("Time zone").select_option("Asia/Kolkata")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Times and days are in Asia/Kolkata now.")).to_be_visible()
    expect(page.get_by_role("link", name="Asia/Kolkata")).to_be_visible()


def test_the_calendar_begins_the_week_as_the_country_does(page_of):
    page = page_of("german", locale="de-DE")
    page.goto("/admin/my-work-profile/")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    countries = page.locator("#work-profile-country option").all_inner_texts()
    assert countries.index("Ägypten") < countries.index("Indien") < countries.index("Österreich")
    page.locator("#work-profile-country").select_option("IN")
    page.locator("#work-profile button.default").click()
    page.goto("/admin/track/interaction/add/")
    page.locator(".datetimeshortcuts a").nth(1).click()
    days = page.locator(".calendarbox:visible tr th")
    expect(days.first).to_have_text("So")
