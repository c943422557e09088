"""What test_move_to.py runs in processes of their own, each on one database: `run(url, "fill")` calls `fill()` there.

All of it happens at one instant, so that answers that depend on the clock can be compared.
"""

import json
import re
import sqlite3
import subprocess
from contextlib import closing
from io import StringIO
from typing import Any

import time_machine
from django.apps import apps
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client, override_settings
from rest_framework.test import APIClient

from backoffice.tests.support import (
    CONTACTS,
    INTERACTIONS,
    LEADS,
    SECOND_FACTOR,
    confirm,
    csv_file,
    draft_key,
    totp_code,
    upload,
)
from crm.api.openapi.schema import Generator
from crm.progress import Progress
from crm.tests.server import manage

NOW = "2024-12-24T04:30:00Z"
KEY = {"HTTP_IDEMPOTENCY_KEY": "before-the-move"}
API = "/lead/restaurants/"
ORDER = {"product_details": "50 units", "quantity": 50, "total_price": "499.95"}


def run(url: str, function: str, *arguments: Any, **options: Any) -> subprocess.CompletedProcess:
    """Call the function of this module in a process on this database; it prints what the function returns."""
    call = f"{function}(*{arguments!r})"
    code = f"import json; from trials.moving import {function}; print(json.dumps({call}))"
    options = {"capture_output": True, "text": True, **options}
    return manage(url, "shell", "--verbosity", "0", "--command", code, **options)


def result(process: subprocess.CompletedProcess) -> Any:
    return json.loads(process.stdout.splitlines()[-1])


def api_client(access: str) -> APIClient:
    client = APIClient(SERVER_NAME="localhost")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


# --- Before the move ------------------------------------------------------------------------------


@time_machine.travel(NOW, tick=False)
@override_settings(THROTTLE=True, EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def fill() -> dict[str, Any]:
    """Create demo data and a row in every table. Returns what clients remember of it."""
    call_command("migrate", verbosity=0)
    call_command("demo", leads=8, stdout=StringIO())
    return {**use_the_api(), "session": use_the_admin()}


def use_the_api() -> dict[str, str]:
    stranger = APIClient(SERVER_NAME="localhost")
    tokens, other = (stranger.post("/api/token/", {"username": "demo", "password": "demo"}).json() for _ in range(2))
    stranger.post("/api/token/logout/", {"refresh": other["refresh"]})
    stranger.post("/api/token/", {"username": "demo", "password": "wrong"})

    api = api_client(tokens["access"])
    lead = api.post(API, {"name": "Café “Größe” 東京", "city": "Pune", "potential_revenue": "0.10"}).json()["id"]
    api.post(f"{API}{lead}/change_status/", {"status": "CONTACTED"})
    me, to = api.get("/api/me/").json()["id"], api.get("/api/users/").json()[-1]["id"]
    api.post(f"{API}hand_over/", {"leads": [lead], "from": me, "to": to})
    api.patch("/call/me/", {"time_zone": "Asia/Kolkata"})
    first = api.post("/call/", {"lead": lead, "frequency": "WEEKLY"}, **KEY)
    api.post(f"/call/{first.json()['id']}/record_call/", {})
    interaction = api.post("/track/interactions/", {"lead": lead, "interaction_type": "ORDER", "order_placed": True})
    api.put(f"/track/interactions/{interaction.json()['id']}/order_details/", ORDER)
    gone = api.post(API, {"name": "Deleted, with the last id"}).json()["id"]
    api.delete(f"{API}{gone}/")
    api.patch(f"/track/accounts/{lead}/", {"quiet_until": "2025-03-01"})
    twin = api.post(API, {"name": "Café Größe", "city": "Pune"}).json()["id"]
    api.post(f"{API}{lead}/merge/", {"other": twin})
    ours, same = (
        api.post("/contact/contacts/", {"restaurant": lead, "name": name}).json()["id"] for name in ("Asha", "A.")
    )
    api.post(f"/contact/contacts/{ours}/merge/", {"other": same})
    place = api.post(API, {"name": "Café Größe", "city": "Nagpur"}).json()["id"]
    api.post(f"{API}{lead}/not_duplicates/", {"other": place})
    person = api.post("/contact/contacts/", {"restaurant": lead, "name": "B."}).json()["id"]
    api.post(f"/contact/contacts/{ours}/not_duplicates/", {"other": person})
    api.post("/contact/cards/")
    feed = api.post("/call/feed/").json()["url"]
    call_command("call_digest", stdout=StringIO())
    return {
        "access": tokens["access"],
        "refresh": tokens["refresh"],
        "revoked": other["refresh"],
        "first": first.content.decode(),
        "lead": lead,
        "gone": gone,
        "feed": feed,
    }


def use_the_admin() -> str:
    """The session of `admin`, with a second factor."""
    browser = Client(SERVER_NAME="localhost")
    browser.post("/admin/login/", {"username": "admin", "password": "admin", "next": "/admin/"})
    browser.post(SECOND_FACTOR, {"do": "begin"})
    browser.post(SECOND_FACTOR, {"do": "confirm", "code": totp_code(key=draft_key())})
    browser.post("/admin/auth/group/add/", {"name": "Night shift", "permissions": ["1"]})
    pk = apps.get_model("lead", "Restaurant").objects.earliest("pk").pk
    for path, row in {
        LEADS: {"external_id": "A1", "name": "Bistro Anna"},
        CONTACTS: {"external_id": "A1", "restaurant": pk, "name": "Asha Rao"},
        INTERACTIONS: {"external_id": "A1", "lead": pk, "type": "CALL", "date": "2024-12-20"},
    }.items():
        confirm(browser, upload(browser, csv_file(list(row), list(row.values())), path))
    upload(browser, csv_file(["name"], ["Bistro Ben"]))
    browser.post(f"{LEADS}own-first/", {"rows": "all"})
    demo = apps.get_model("auth", "User").objects.get(username="demo")
    demo.groups.set(apps.get_model("auth", "Group").objects.filter(name="Night shift"))
    permissions = apps.get_model("auth", "Permission").objects
    demo.user_permissions.set([*permissions.all()[:3], permissions.get(codename="import_restaurant")])
    return browser.cookies["sessionid"].value


# --- What is compared -----------------------------------------------------------------------------


@time_machine.travel(NOW, tick=False)
def answers(known: dict[str, str]) -> dict[str, Any]:
    """Every answer of the API to GET, every list of the admin, and every row of every table."""
    return {
        "api": dict(api_answers(known)),
        "admin": dict(admin_lists(known["session"])),
        "rows": rows(),
        "empty": [table._meta.label for table in apps.get_models(include_auto_created=True) if not count(table)],
    }


def api_answers(known: dict[str, str]):
    api = api_client(known["access"])
    queries = {"/api/lookup/": "?phone=%2B919876543210", "/track/performance/": "?from=2024-01-01&to=2024-12-24"}
    for path, item in Generator().get_schema(public=True)["paths"].items():
        if "get" in item and "{secret}" not in path:
            base, _, rest = path.partition("{id}")
            for place in (
                [f"{base}{row.get('id', row.get('lead'))}{rest}" for row in api.get(base).json()] if rest else [base]
            ):
                yield place, read(api, place + queries.get(place, ""))
                if not rest and place.startswith(("/lead", "/contact", "/track", "/call")):
                    yield f"{place}?page_size=3", read(api, f"{place}?page_size=3")
    yield "adherence", read(api, "/call/adherence/?from=2024-01-01&to=2024-12-24")
    yield known["feed"], read(api, known["feed"])


def read(client: APIClient, path: str) -> list:
    answer = client.get(path)
    headers = [answer.headers.get(name) for name in ("Content-Type", "ETag", "Link", "X-Total-Count")]
    return [answer.status_code, *headers, answer.getvalue().decode()]


def admin_lists(session: str):
    browser = Client(SERVER_NAME="localhost")
    browser.cookies["sessionid"] = session
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        answer = browser.get(path)
        found = re.search(r'<p class="paginator">(.*?)</p>', answer.getvalue().decode(), re.DOTALL)
        yield path, [answer.status_code, found and " ".join(found[1].split())]


def rows() -> list:
    """Of all tables; databases sort texts and the keys of JSON objects in different orders."""
    output = StringIO()
    call_command("dumpdata", stdout=output)
    return sorted(json.loads(output.getvalue()), key=lambda row: (row["model"], str(row["pk"])))


def count(table) -> int:
    return table._base_manager.count()


# --- The move -------------------------------------------------------------------------------------


def move(url: str) -> None:
    """While another program writes to the source: after the first batch it takes all contacts and events away."""
    advance, source = Progress.advance, connection.settings_dict["NAME"]

    def write_too(progress: Progress, rows: int) -> None:
        if not progress.done:
            with closing(sqlite3.connect(source, timeout=0, isolation_level=None)) as other:
                for table in ("contact_contact", "call_callevent", "auth_group_permissions"):
                    other.execute(f"DELETE FROM {table}")
        advance(progress, rows)

    Progress.advance = write_too  # type: ignore[method-assign]
    call_command("move_to", url)


def interrupted_move(url: str) -> None:
    """Ctrl-C after some batches."""

    def stop(progress: Progress, rows: int) -> None:
        progress.done += rows
        if progress.done > progress.total / 2:
            raise KeyboardInterrupt

    Progress.advance = stop  # type: ignore[method-assign]
    call_command("move_to", url)


def refusals(urls: list[str]) -> list[str]:
    """What the command says to each."""
    messages = []
    for url in urls:
        try:
            call_command("move_to", url)
        except CommandError as error:
            messages.append(str(error))
    return messages


# --- After the move -------------------------------------------------------------------------------


@time_machine.travel(NOW, tick=False)
def use(known: dict[str, str]) -> dict[str, Any]:
    """What clients of before the move get, and the ids of new rows."""
    api, stranger = api_client(known["access"]), APIClient(SERVER_NAME="localhost")
    replayed = api.post("/call/", {"lead": known["lead"], "frequency": "WEEKLY"}, **KEY)
    browser = Client(SERVER_NAME="localhost")
    password = browser.post("/admin/login/", {"username": "admin", "password": "admin", "next": "/admin/"})
    lead = api.post(API, {"name": "The first one here"}).json()["id"]
    interaction = api.post("/track/interactions/", {"lead": lead, "interaction_type": "ORDER", "order_placed": True})
    order = f"/track/interactions/{interaction.json()['id']}/order_details/"
    found = {
        "me": api.get("/api/me/").json()["username"],
        "refreshed": stranger.post("/api/token/refresh/", {"refresh": known["refresh"]}).status_code,
        "revoked": stranger.post("/api/token/refresh/", {"refresh": known["revoked"]}).status_code,
        "replayed": [replayed.status_code, replayed["Idempotency-Replayed"], replayed.content.decode()],
        "after the password": [password.status_code, password.headers.get("Location")],
        "found": [row["id"] for row in api.get(f"{API}?search=grosse").json()],
        "new lead": lead,
        "created": [
            interaction.status_code,
            api.put(order, ORDER).status_code,
            api.post("/contact/contacts/", {"restaurant": lead, "name": "Asha Rao"}).status_code,
            api.post("/call/", {"lead": lead, "frequency": "DAILY"}).status_code,
            api.post(f"{API}{lead}/change_status/", {"status": "CONTACTED"}).status_code,
            stranger.post("/api/token/", {"username": "admin", "password": "wrong"}).status_code,
        ],
    }
    apps.get_model("auth", "User").objects.create_user("new")
    apps.get_model("auth", "Group").objects.create(name="New").permissions.add(1)
    return found
