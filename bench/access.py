"""What row access costs: the same requests with ACCESS=all and with another value, of three users of 500."""

import http.client
import json
import os
import time
from statistics import median

from load import say
from servers import Target, own_cpu

LIMIT = 1.5  # times the cost with ACCESS=all, at most
USERS = {"a member": 101, "a manager of 7 teams": 5, "the manager of all": 1}
REQUESTS = {
    "a page of leads": "/lead/restaurants/?page=1",
    "a page of leads, count=0": "/lead/restaurants/?page=1&count=0",
    "a page of interactions": "/track/interactions/?page=1",
    "a page of interactions, count=0": "/track/interactions/?page=1&count=0",
    "a lead": "/lead/restaurants/{lead}/",
    "an interaction": "/track/interactions/{interaction}/",
    "the agenda": "/call/agenda/",
}
SECONDS = 2  # of each measurement, and at least so many requests:
LEAST = 8

# Whom the user sees, by walking the tree: what the answers are compared with.
SEEN = """WITH RECURSIVE below(id) AS (
    SELECT team_id FROM lead_team_managers WHERE user_id = {user}
    UNION SELECT team.id FROM lead_team team JOIN below ON team.parent_id = below.id
) SELECT count(*) AS leads, min(id) AS lead FROM lead_restaurant WHERE assigned_to_id = {user}
    OR assigned_to_id IN (SELECT user_id FROM lead_team_members WHERE team_id IN (SELECT id FROM below)
        OR team_id IN (SELECT team_id FROM lead_team_members WHERE user_id = {user}))
    OR (assigned_to_id IS NULL AND EXISTS (SELECT 1 FROM below))"""

PLANS = """
from django.contrib.auth import get_user_model
from lead.models import Restaurant
from lead.models.access import Policy, grounds
from track.models import Interaction
for user in get_user_model().objects.filter(pk__in={users}):
    leads, interactions = Restaurant.objects.visible_to(user), Interaction.objects.visible_to(user)
    print(f"\\n== user {{user.pk}}, who sees the leads of {{len(Policy.of(user).owners)}} users")
    for title, rows in {{
        "the policy": grounds.build(user=user.pk),
        "a page of leads": leads.order_by("id")[:101],
        "a page of interactions": interactions.order_by("id")[:101],
        "an interaction": interactions.filter(pk=1000),
    }}.items():
        print(f"-- {{title}}\\n{{rows.explain(analyze=True)}}")
    for title, rows in {{"leads": leads, "interactions": interactions}}.items():
        print(f"-- how many {{title}}\\n{{rows.order_by().values('pk').explain(analyze=True)}}")
"""


def report(targets: list[Target], credentials: dict, repetitions: int) -> None:
    """Both targets in turn, and a table of what a request takes: CPU of server and database, and time."""
    usual, narrowed = targets
    print(f"| |CPU ms a request, {usual.name}|{narrowed.name}|ratio|p50 ms|at most {LIMIT}|\n|---|--:|--:|--:|--:|---|")
    for title, user in USERS.items():
        [seen] = usual.database.rows(SEEN.format(user=user))
        [own] = usual.database.rows(f"SELECT min(id) AS id FROM track_interaction WHERE lead_id = {seen['lead']}")
        tokens = {target.name: token(target, {**credentials[user]}) for target in targets}
        check(narrowed, tokens[narrowed.name], seen["leads"])
        for name, path in REQUESTS.items():
            path = path.format(lead=seen["lead"], interaction=own["id"])
            runs: dict[str, list[tuple[float, float]]] = {target.name: [] for target in targets}
            for _ in range(repetitions):
                for target in targets:
                    runs[target.name].append(measure(target, path, tokens[target.name]))
            (cpu, wall), (narrow_cpu, narrow_wall) = (
                tuple(median(each) for each in zip(*runs[target.name], strict=True)) for target in targets
            )
            ratio = narrow_cpu / cpu
            verdict = "yes" if ratio <= LIMIT else "**no**"
            times = f"{wall:.1f}, {narrow_wall:.1f}"
            print(f"|{title}: {name}|{cpu:.2f}|{narrow_cpu:.2f}|{ratio:.2f}|{times}|{verdict}|", flush=True)


def token(target: Target, credentials: dict) -> str:
    status, content = target.ask("POST", "/api/token/", json.dumps(credentials), token="none")
    if status != 200:
        raise SystemExit(f"signing in failed: {status} {content[:200]!r}")
    return json.loads(content)["access"]


def check(target: Target, access: str, leads: int) -> None:
    answer, connection = get(target, "/lead/restaurants/?page=1", access)
    connection.close()
    if answer.getheader("X-Total-Count") != str(leads):
        raise SystemExit(f"{target.name} shows {answer.getheader('X-Total-Count')} leads, {leads} are to be seen")
    say(f"{target.name} shows {leads:,} leads, as many as the tree says")


def get(target: Target, path: str, access: str, connection=None):
    connection = connection or http.client.HTTPConnection("127.0.0.1", target.port, timeout=120)
    connection.request("GET", path, headers={"Authorization": f"Bearer {access}"})
    answer = connection.getresponse()
    answer.body = answer.read()
    return answer, connection


def measure(target: Target, path: str, access: str) -> tuple[float, float]:
    """CPU ms a request of server and database, and the median time in ms."""
    connection, times = None, []
    for _ in range(2):
        _, connection = get(target, path, access, connection)
    before, mine, end = own_cpu(), sum(os.times()[:2]), time.monotonic() + SECONDS
    while len(times) < LEAST or time.monotonic() < end:
        started = time.perf_counter()
        answer, connection = get(target, path, access, connection)
        times.append(time.perf_counter() - started)
        if answer.status != 200:
            raise SystemExit(f"{target.name} {path}: {answer.status} {answer.body[:200]!r}")
    used = own_cpu() - before - (sum(os.times()[:2]) - mine)
    connection.close()
    return 1e3 * used / len(times), 1e3 * median(times)
