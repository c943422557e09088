"""Writes the customers and orders of Northwind through the HTTP API and holds every account against an oracle.

The oracle reads the CSV files alone (NORTHWIND names their folder). BASE_URL is a running server on which `demo` may
sign in; its server's zone is UTC. Run in a server's place: `python -m crm.tests.server python .ci/northwind.py`.
"""

import csv
import json
import os
from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

FOLDER = Path(os.environ["NORTHWIND"])
DAYS = ["1998-05-06", "1997-12-31"]
WORST_FIRST = ["SILENT", "LATE", "DUE", "ON_RHYTHM", "INSUFFICIENT_DATA", "NEVER_ORDERED", "QUIET"]


class Api:
    """A client of one connection, signed in as `demo`."""

    def __init__(self, address: str) -> None:
        self.connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
        self.token = ""
        self.token = self.send("POST", "/api/token/", {"username": "demo", "password": "demo"})["access"]

    def send(self, method: str, path: str, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self.connection.request(method, path, body and json.dumps(body), headers)
        response = self.connection.getresponse()
        content = response.read()
        assert response.status in (200, 201), (method, path, response.status, content[:500])
        return json.loads(content, parse_float=Decimal)


def table(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def prices() -> dict[str, Decimal]:
    """The total of each order's lines, in cents."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for line in table("order_details"):
        totals[line["OrderID"]] += Decimal(line["UnitPrice"]) * int(line["Quantity"]) * (1 - Decimal(line["Discount"]))
    return {order: total.quantize(Decimal("0.01"), ROUND_HALF_UP) for order, total in totals.items()}


def write(api: Api) -> dict[str, int]:
    """All customers and orders; returns the id of each customer's lead."""
    leads = {}
    for row in table("customers"):
        lead = {
            "name": row["CompanyName"],
            "address": row["Address"],
            "city": row["City"],
            "contact_person": row["ContactName"],
            "phone": row["Phone"],
        }
        leads[row["CustomerID"]] = api.send("POST", "/lead/restaurants/", lead)["id"]
    total = prices()
    for row in table("orders"):
        number = row["OrderID"]
        order = {"product_details": f"Order {number}", "quantity": 1, "total_price": str(total[number])}
        interaction = {"lead": leads[row["CustomerID"]], "interaction_type": "ORDER", "order": order}
        api.send("POST", "/track/interactions/", interaction | {"date": f"{row['OrderDate'][:10]}T12:00:00Z"})
    return leads


def oracle(on: date, leads: dict[str, int], owner: int) -> list[dict]:
    """What the API has to list, by the words of the issue."""
    total = prices()
    orders: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for row in table("orders"):
        day = date.fromisoformat(row["OrderDate"][:10])
        if day <= on:
            orders[row["CustomerID"]].append((day, total[row["OrderID"]]))
    rows = []
    for customer in table("customers"):
        mine = orders[customer["CustomerID"]]
        dates = sorted({day for day, _ in mine})
        last13 = dates[-13:]
        gaps = [(last13[i + 1] - last13[i]).days for i in range(len(last13) - 1)]
        usual = Fraction(median(map(Fraction, gaps))) if gaps else None
        ranked = sorted(gaps, reverse=True)
        longest = (ranked[1] if len(ranked) >= 10 else ranked[0]) if ranked else None
        since = (on - dates[-1]).days if dates else None
        if not dates:
            verdict, sentence = "NEVER_ORDERED", "No order yet."
        else:
            when = "today" if since == 0 else "1 day ago" if since == 1 else f"{since} days ago"
            if len(dates) < 4:
                verdict = "INSUFFICIENT_DATA"
                some = "1 order day" if len(dates) == 1 else f"{len(dates)} order days"
                sentence = f"Only {some} so far; last order {when}."
            else:
                verdict = "SILENT" if since > longest else "LATE"
                verdict = "ON_RHYTHM" if since <= usual else "DUE" if since <= 2 * usual else verdict
                every = "1 day" if usual == 1 else f"{number(usual)} days"
                sentence = f"Orders about every {every}, at longest {longest}; last order {when}."
        year = [price for day, price in mine if 0 <= (on - day).days <= 364]
        before = [price for day, price in mine if 365 <= (on - day).days <= 729]
        rows.append(
            {
                "lead": leads[customer["CustomerID"]],
                "name": customer["CompanyName"],
                "assigned_to": owner,
                "verdict": verdict,
                "order_days": len(dates),
                "last_order_day": str(dates[-1]) if dates else None,
                "days_since": since,
                "usual_gap": usual if usual is None else number(usual),
                "longest_gap": longest,
                "expected_on": str(dates[-1] + timedelta(days=-(-usual // 1))) if usual is not None else None,
                "orders_365": len(year),
                "revenue_365": sum(year, Decimal("0.00")),
                "revenue_365_before": sum(before, Decimal("0.00")),
                "next_call_date": None,
                "quiet_until": None,
                "sentence": sentence,
                "gaps": gaps,
                "order_days_list": [str(day) for day in last13],
            }
        )
        rows[-1]["over"] = Fraction(since) / usual if usual and since is not None else Fraction(0)
    rows.sort(key=lambda row: (WORST_FIRST.index(row["verdict"]), -row["over"], row["lead"]))
    return [{key: value for key, value in row.items() if key != "over"} for row in rows]


def number(value: Fraction) -> int | Decimal:
    return int(value) if value.denominator == 1 else Decimal(value.numerator) / value.denominator


def only(rows: list[dict], leads: set[int]) -> list[dict]:
    """Without the demo data's."""
    return [row for row in rows if row["lead"] in leads]


def main() -> None:
    api = Api(os.environ["BASE_URL"])
    leads = write(api)
    me = api.send("GET", "/api/me/")["id"]
    ours = set(leads.values())
    for day in DAYS:
        expected = oracle(date.fromisoformat(day), leads, me)
        rows = only(api.send("GET", f"/track/accounts/?on={day}&all=1"), ours)
        detail = {"gaps", "order_days_list"}
        listed = [{key: value for key, value in row.items() if key not in detail} for row in expected]
        for got, wanted in zip(rows, listed, strict=True):
            assert got == wanted and list(got) == list(wanted), (got, wanted)
        for wanted in expected:
            assert api.send("GET", f"/track/accounts/{wanted['lead']}/?on={day}") == wanted, wanted
        verdicts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in WORST_FIRST}
        print(f"{day}: {len(rows)} accounts agree in every key; {verdicts}")


if __name__ == "__main__":
    main()
