"""A KAM's morning on My day, at two widths and in two zones.

After every tap, what the page says is held against the agenda, the plan's log and the interactions of the API.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import APIRequestContext, Locator, Page, Route, expect

from crm.tests import PASSWORD
from e2e.clock import ahead
from e2e.support import LAPTOP, PHONE, sign_in

PATH = "/admin/my-day/"
MONDAY = date(2029, 3, 5)
LISTS = ["overdue", "today", "at_risk", "unattended", "upcoming", "unplanned"]
SHOWN = 50  # entries of a list
CALLS = ["Reached", "No answer", "Left a message"]
NAMES = [f"Bistro Anna {number:02}" for number in range(1, 53)]  # 36 calls, and what else happens on a morning
# Of each list the count and the names, as they are on the page.
SHOWN_LISTS = """() => Object.fromEntries([
    ["due", document.querySelector("[data-due]").textContent],
    ...[...document.querySelectorAll(".queue[data-list]")].map((list) => [list.dataset.list, [
        list.querySelector(".count").textContent,
        [...list.querySelectorAll(".entry h3 a")].map((link) => link.textContent),
    ]]),
])"""


@dataclass
class Morning:
    """The page of a KAM, and the API on behalf of the same user, by one clock."""

    user: str
    zone: ZoneInfo
    page: Page
    api: APIRequestContext
    token: str = ""
    clock: dict[str, str] = field(default_factory=dict)
    plans: dict[str, int] = field(default_factory=dict)
    leads: dict[str, int] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)  # whom the user did not reach today
    calls: int = 0  # recorded
    clicks: int = 0
    requests: list[str] = field(default_factory=list)

    # --- The API ------------------------------------------------------------------------------

    def send(self, method: str, path: str, data: dict | None = None):
        headers = {**self.clock, "Authorization": f"Bearer {self.token}"} if self.token else self.clock
        answer = self.api.fetch(path, method=method, data=data, headers=headers)
        assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
        return answer.json()

    def get(self, path: str):
        return self.send("GET", path)

    def set_clock(self, day: date, at: time) -> None:
        self.clock = ahead(datetime.combine(day, at, self.zone))
        self.page.context.set_extra_http_headers(self.clock)

    def create(self) -> None:
        """Weekly plans, the first five due today, the others the day before; each with a contact to ask for."""
        for number, name in enumerate(NAMES):
            lead = self.send("POST", "/lead/restaurants/", {"name": name, "city": "Pune"})["id"]
            person = {"restaurant": lead, "name": "Asha Rao", "role": "Manager", "phone": "+91 98765 43210"}
            self.send("POST", "/contact/contacts/", person)
            due = datetime.combine(MONDAY - timedelta(days=number >= 5), time(8), self.zone)
            plan = {"lead": lead, "frequency": "WEEKLY", "next_call_date": due.isoformat()}
            self.plans[name], self.leads[name] = self.send("POST", "/call/", plan)["id"], lead

    def lines(self, name: str) -> list[tuple[str, str]]:
        """The log of the plan: kinds and outcomes, the oldest first."""
        lines = self.get(f"/call/{self.plans[name]}/history/")
        return [(line["event"], line["outcome"]) for line in sorted(lines, key=lambda line: line["id"])]

    def interactions(self, name: str) -> list[dict]:
        return self.get(f"/track/interactions/?lead={self.leads[name]}")

    # --- The page -----------------------------------------------------------------------------

    def list(self, name: str) -> Locator:
        return self.page.locator(f'.queue[data-list="{name}"]')

    def entry(self, name: str) -> Locator:
        return self.page.locator(".entry", has=self.page.get_by_role("heading", name=re.compile(f"^{name}( |$)")))

    def line(self, name: str) -> Locator:
        """What was done with a lead, the latest."""
        return self.page.locator(".done", has=self.page.get_by_role("link", name=name, exact=True)).first

    def click(self, target: Locator) -> None:
        target.click()
        self.clicks += 1

    def tap(self, name: str, button: str) -> None:
        self.click(self.entry(name).get_by_role("button", name=button, exact=True))

    def says(self, text: str) -> None:
        expect(self.page.locator("#said")).to_contain_text(text)

    def agrees(self) -> None:
        """The page shows the lists of the agenda: their counts, and the entries in their order."""
        agenda = self.get("/call/agenda/")
        expected = {"due": str(len(agenda["overdue"]) + len(agenda["today"]))}
        for name in LISTS:
            leads = [entry["lead"]["name"] for entry in agenda[name]]
            if name in ("overdue", "today"):
                leads.sort(key=lambda lead: lead in self.tried)
            expected[name] = [str(len(leads)), leads[:SHOWN]]
        assert self.page.evaluate(SHOWN_LISTS) == expected

    def calls_next(self, button: str) -> str:
        """Tap on the first entry of the queue, and hold everything against the API. Returns the lead's name."""
        name = self.page.locator(".queue.overdue .entry h3 a, .queue.today .entry h3 a").first.inner_text()
        self.tap(name, button)
        self.recorded(name, button)
        return name

    def recorded(self, name: str, button: str) -> None:
        self.says("Call recorded." if button == "Reached" else "Noted.")
        expect(self.line(name)).to_contain_text(f"{name}: {button}, ")
        self.calls += 1
        if button == "Reached":
            expect(self.line(name).get_by_label("Note")).to_be_focused()
            self.tried.discard(name)
        else:
            self.tried.add(name)
            expect(self.page.locator(".entry:focus")).to_have_count(1)
        outcome = button.upper().replace(" A ", "_").replace(" ", "_")
        assert self.lines(name)[-1] == ("CALLED" if button == "Reached" else "ATTEMPTED", outcome)
        assert [call["interaction_type"] for call in self.interactions(name)] == ["CALL"] * len(self.lines(name))
        expect(self.page.locator(".log .count")).to_have_text(str(self.calls))
        self.agrees()


@pytest.fixture(params=["Asia/Kolkata", "America/Sao_Paulo"])
def zone(request) -> str:
    return request.param


@pytest.fixture(params=[LAPTOP, PHONE], ids=lambda screen: f"{screen['width']}px")
def morning(request, zone, contexts, playwright, url) -> Iterator[Morning]:
    """At nine, before the page is opened."""
    screen = request.param
    name = f"{zone.partition('/')[2].lower().replace('_', '.')}.{screen['width']}"
    page = contexts(viewport=screen, has_touch=screen is PHONE, timezone_id=zone).new_page()
    api = playwright.request.new_context(base_url=url)
    morning = Morning(name, ZoneInfo(zone), page, api)
    morning.set_clock(MONDAY - timedelta(days=1), time(7))
    morning.token = morning.send("POST", "/api/token/", {"username": name, "password": PASSWORD})["access"]
    morning.send("PATCH", "/call/me/", {"time_zone": zone})
    morning.create()
    morning.set_clock(MONDAY, time(9))
    sign_in(page, name)
    expect(page.get_by_role("heading", name="My day", level=1)).to_be_visible()
    page.on("request", lambda sent: morning.requests.append(f"{sent.method} {sent.url.removeprefix(url)}"))
    yield morning
    api.dispose()


def test_a_whole_morning(morning, contexts, zone):
    page = morning.page
    page.goto(PATH)
    expect(page.get_by_text(f"Monday, 5 March 2029 in {zone}")).to_be_visible()
    expect(morning.list("overdue").locator(".more")).to_have_text("")
    morning.agrees()
    other_device = contexts(storage_state=page.context.storage_state(), extra_http_headers=morning.clock).new_page()
    other_device.goto(PATH)

    # Ten calls, each with one tap.
    called = [morning.calls_next(CALLS[number % 3]) for number in range(10)]
    tapped = [sent for sent in morning.requests if " /static/" not in sent]
    assert (morning.clicks, tapped) == (10, [f"GET {PATH}", *[f"POST {PATH}"] * 10])

    # Another device still shows the page of nine o'clock.
    first = called[0]
    entry = other_device.locator(".entry", has=other_device.get_by_role("link", name=first, exact=True))
    entry.get_by_role("button", name="Reached").click()
    expect(entry).to_contain_text(re.compile(r"You did something here at 09:\d\d: called\. Nothing was recorded now\."))
    assert morning.lines(first) == [("CALLED", "REACHED")]
    other_device.context.close()

    # A note, and an order.
    latest = called[-1]
    line = morning.line(latest)
    line.get_by_label("Note").fill("Wants rice.")
    line.get_by_text("Order", exact=True).click()
    line.get_by_label("What").fill("Rice")
    line.get_by_label("Quantity").fill("5")
    line.get_by_label("Total price").fill("50.00")
    line.get_by_role("button", name="Save").click()
    morning.says("Note and order saved.")
    expect(line).to_contain_text("Wants rice.")
    expect(line).to_be_focused()
    (call,) = morning.interactions(latest)
    assert (call["details"], call["order_placed"]) == ("Wants rice.", True)
    order = morning.get(f"/track/interactions/{call['id']}/order_details/")
    assert (order["product_details"], order["quantity"], order["total_price"]) == ("Rice", 5, 50)
    morning.agrees()

    # A double tap. What was done ten seconds before goes to the log.
    page.evaluate("document.querySelectorAll('.done[data-at]').forEach((line) => line.dataset.at = 0)")
    name = page.locator(".queue.overdue .entry h3 a").first.inner_text()
    morning.entry(name).get_by_role("button", name="No answer").dblclick()
    morning.recorded(name, "No answer")
    assert len(morning.lines(name)) == 1
    expect(page.locator("#done .what a")).to_have_text(called[::-1])

    # A lost answer: the server has recorded the call, and the browser does not hear of it.
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    name = page.locator(".queue.overdue .entry h3 a").first.inner_text()
    page.route(f"**{PATH}", lose)
    morning.tap(name, "Left a message")
    morning.says("The server did not answer. Nothing is lost: tap again, it is recorded once.")
    assert len(morning.lines(name)) == 1
    page.unroute(f"**{PATH}")
    morning.tap(name, "Left a message")
    morning.recorded(name, "Left a message")
    assert len(morning.lines(name)) == 1

    # A colleague has just called.
    name = page.locator(".queue.overdue .entry h3 a").first.inner_text()
    morning.entry(name).get_by_text("Date or skip").click()
    morning.entry(name).get_by_label("Reason").fill("Closed on Mondays.")
    token, morning.token = morning.token, ""
    asha = morning.send("POST", "/api/token/", {"username": "asha", "password": PASSWORD})["access"]
    morning.token = asha
    morning.send("POST", f"/call/{morning.plans[name]}/record_call/", {"outcome": "NO_ANSWER"})
    morning.token = token
    morning.tap(name, "Skip")
    expect(morning.entry(name)).to_contain_text(re.compile(r"asha did something here at 09:\d\d: attempted\."))
    expect(morning.entry(name).get_by_label("Reason")).to_have_value("Closed on Mondays.")
    assert morning.lines(name) == [("ATTEMPTED", "NO_ANSWER")]
    morning.tried.add(name)

    # The skip all the same, and its undo.
    morning.tap(name, "Do it all the same")
    morning.says("Skipped. Next call: ")
    assert morning.lines(name)[1:] == [("SKIPPED", "")]
    morning.agrees()
    morning.click(morning.line(name).get_by_role("button", name="Undo"))
    morning.says("Taken back. The next call is on ")
    expect(morning.entry(name)).to_be_focused()
    assert morning.lines(name)[2:] == [("CORRECTED", "")]
    morning.agrees()

    # Snoozes.
    for button, days in (("Tomorrow", 1), ("3 days", 3), ("Next week", 7)):
        name = page.locator(".queue.overdue .entry h3 a").first.inner_text()
        morning.tap(name, button)
        put_off(morning, name, days)
    name = page.locator(".queue.overdue .entry h3 a").first.inner_text()
    morning.entry(name).get_by_text("Date or skip").click()
    morning.entry(name).get_by_label("Until").fill(str(MONDAY + timedelta(days=4)))
    morning.tap(name, "Put off")
    put_off(morning, name, 4)

    # The session ends: over a call, and over a note with an order.
    page.context.clear_cookies()
    name = page.locator(".queue.overdue .entry h3 a").first.inner_text()
    morning.tap(name, "Reached")
    back_again(morning)
    morning.agrees()
    expect(morning.entry(name).get_by_role("button", name="Reached")).to_be_focused()
    assert morning.lines(name) == []
    morning.calls += 4  # the snoozes, which the log counts too
    morning.tap(name, "Reached")
    morning.recorded(name, "Reached")
    line = morning.line(name)
    line.get_by_label("Note").fill("Wünscht Reis. " * 100)
    line.get_by_text("Order", exact=True).click()
    line.get_by_label("What").fill("Rice")
    line.get_by_label("Quantity").fill("7")
    line.get_by_label("Total price").fill("70.00")
    page.context.clear_cookies()
    line.get_by_role("button", name="Save").click()
    back_again(morning)
    assert morning.interactions(name)[0]["details"] == ""
    line = morning.line(name)
    expect(line.get_by_label("Note")).to_have_value("Wünscht Reis. " * 100)
    expect(line.get_by_label("Quantity")).to_have_value("7")
    line.get_by_role("button", name="Save").click()
    morning.says("Note and order saved.")
    (call,) = morning.interactions(name)
    assert (call["details"].count("Reis"), call["order_placed"]) == (100, True)
    morning.agrees()

    # The rest of the calls; back and forth to a lead's page.
    made = {"Reached": 5, "No answer": 4, "Left a message": 4}
    for button in CALLS:
        for _ in range(12 - made[button]):
            morning.calls_next(button)
    page.locator(".entry .open").first.click()
    expect(page.get_by_role("heading", name=re.compile("Bistro Anna"), level=1)).to_be_visible()
    page.go_back()
    morning.agrees()

    midnight(morning)


def put_off(morning: Morning, name: str, days: int) -> None:
    day = MONDAY + timedelta(days=days)
    morning.says(f"Put off. Next call: {day.day} Mar 2029.")
    expect(morning.line(name)).to_contain_text("Snoozed")
    assert morning.lines(name) == [("SNOOZED", "")]
    assert morning.interactions(name) == []
    morning.agrees()


def back_again(morning: Morning) -> None:
    """Sign in on the page that has come up, which leads back to the day."""
    page = morning.page
    page.get_by_label("Username").fill(morning.user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    morning.says("Your session had ended, and this was not recorded. What you typed is here: tap again.")


def midnight(morning: Morning) -> None:
    """The page stays open until the next day."""
    page, tuesday = morning.page, MONDAY + timedelta(days=1)
    morning.set_clock(MONDAY, time(23, 58))
    page.goto(PATH)
    expect(page.get_by_text("Monday, 5 March 2029")).to_be_visible()
    morning.agrees()
    first, second = page.locator(".queue.overdue .entry h3 a, .queue.today .entry h3 a").all_inner_texts()[:2]
    morning.set_clock(tuesday, time(0, 1))
    before = morning.lines(first)
    morning.tap(first, "Tomorrow")
    morning.says("It is Tuesday, 6 March by now, and this page shows Monday, 5 March. Nothing was put off.")
    assert morning.lines(first) == before
    before = morning.lines(second)
    morning.tap(second, "Reached")
    morning.says("Call recorded.")
    expect(page.get_by_text("A new day has begun: it is Tuesday, 6 March.")).to_be_visible()
    assert morning.lines(second) == [*before, ("CALLED", "REACHED")]
    page.get_by_role("link", name="Show the new day").click()
    page.wait_for_load_state()
    expect(page.get_by_text("Tuesday, 6 March 2029")).to_be_visible()
    morning.tried.clear()
    morning.agrees()
    expect(page.locator(".log .count")).to_have_text("1")
    morning.tap(first, "Tomorrow")
    morning.says("Put off. Next call: 7 Mar 2029.")
    morning.agrees()
