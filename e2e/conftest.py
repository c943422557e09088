"""A real Chromium in front of a real server. Tests wait only for what a user would see.

A test fails too where a page logs an error, requests anything from another host, misses a file, or breaks (5xx).
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import (
    APIRequestContext,
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    expect,
    sync_playwright,
)

from crm.tests import PASSWORD
from e2e.server import served
from e2e.support import LAPTOP, sign_in

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FAILED, WORK = pytest.StashKey[bool](), pytest.StashKey[Path]()
PATIENCE = 10_000  # milliseconds until something has to be there
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def work(request) -> Path:
    """Where the server's log and the screenshots of failures are."""
    request.config.stash[WORK] = Path(tempfile.mkdtemp(prefix="crm-e2e-"))
    return request.config.stash[WORK]


@pytest.fixture(scope="session")
def url(work) -> Iterator[str]:
    try:
        with served(work / "server.log") as address:
            yield address
    except AssertionError:
        print((work / "server.log").read_text()[-5_000:])
        raise


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


class Watch:
    """Records what no page may do."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url, self.wrong = url, []
        context.on("request", self.see_request)
        context.on("response", self.see_response)
        context.on("console", self.see_console)
        context.on("weberror", lambda error: self.wrong.append(f"an exception: {error.error}"))

    def see_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:", "blob:")):
            self.wrong.append(f"a request to another host: {request.url}")

    def see_response(self, response: Response) -> None:
        if response.status == 409:  # what a tap says where something else has happened since
            return
        if response.status >= (500 if response.request.is_navigation_request() else 400):
            self.wrong.append(f"{response.status} for {response.url}")

    def see_console(self, message: ConsoleMessage) -> None:
        # A page that is answered 403 or 429 is logged so too; see_response knows better.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.wrong.append(f"in the console: {message.text}")


@pytest.fixture
def contexts(chromium, url, work, request) -> Iterator[Callable[..., BrowserContext]]:
    """Creates browsers without shared state, and fails the test for what no page may do."""
    opened: list[tuple[BrowserContext, Watch]] = []

    def open_context(**options) -> BrowserContext:
        options = {"base_url": url, "viewport": LAPTOP, "locale": "en-GB", "timezone_id": "UTC", **options}
        context = chromium.new_context(**options)
        context.set_default_timeout(PATIENCE)
        opened.append((context, Watch(context, url)))
        return context

    yield open_context
    wrong = [what for context, watch in opened for what in watch.wrong]
    if wrong or request.node.stash.get(FAILED, False):
        for number, page in enumerate(page for context, watch in opened for page in context.pages):
            page.screenshot(path=work / f"{request.node.name[:80].replace('/', ' ')} {number}.png", full_page=True)
    for context, _ in opened:
        context.close()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def browser(contexts) -> Page:
    """A browser that is not signed in."""
    return contexts().new_page()


@pytest.fixture(scope="session")
def sessions() -> dict:
    """By user, the stored state of a browser that has signed in: once a run."""
    return {}


@pytest.fixture
def page_of(contexts, sessions) -> Callable[..., Page]:
    """A page of a user who has signed in."""

    def page_of(name: str, **options) -> Page:
        if name not in sessions:
            page = contexts().new_page()
            sign_in(page, name)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            sessions[name] = page.context.storage_state()
            page.context.close()
        return contexts(storage_state=sessions[name], **options).new_page()

    return page_of


@pytest.fixture
def page(page_of) -> Page:
    """Of a superuser."""
    return page_of("asha")


# --- Data -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def api(playwright, url) -> Iterator[APIRequestContext]:
    """The API on behalf of the superuser."""
    anonymous = playwright.request.new_context(base_url=url)
    answer = anonymous.post("/api/token/", data={"username": "asha", "password": PASSWORD})
    headers = {"Authorization": f"Bearer {answer.json()['access']}"}
    api = playwright.request.new_context(base_url=url, extra_http_headers=headers)
    yield api
    api.dispose()
    anonymous.dispose()


@pytest.fixture(scope="session")
def create(api) -> Callable[..., dict]:
    """Posts to the API."""

    def create(path: str, **data) -> dict:
        answer = api.post(path, data=data)
        assert answer.ok, answer.text()
        return answer.json()

    return create


class Lead(NamedTuple):
    name: str
    digits: str
    path: str


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return count(1)


@pytest.fixture
def lead(create, numbers) -> Lead:
    """A new one, with a weekly call plan; its name and phone are unique."""
    number = next(numbers)
    name, phone = f"Bistro Anna {number}", f"(20) 1234-{number:04}"
    pk = create("/lead/restaurants/", name=name, city="Pune", phone=phone)["id"]
    create("/call/", lead=pk, frequency="WEEKLY")
    return Lead(name, f"201234{number:04}", f"/admin/lead/restaurant/{pk}/change/")


# --- Screenshots of failures ----------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


def pytest_terminal_summary(terminalreporter, config) -> None:
    if terminalreporter.stats.keys() & {"failed", "error"} and WORK in config.stash:
        terminalreporter.write_line(f"Screenshots and the server's log: {config.stash[WORK]}")
