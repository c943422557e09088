"""Precision and recall of the search for duplicates on the restaurants of Fodor's and Zagat's guides.

DIRECTORY has fodors.csv, zagats.csv and matches_fodors_zagats.csv (their
rows with id, name, city and phone; the pairs that are one):

    .venv/bin/python -m bench.duplicates DIRECTORY [-v]

-v names the pairs that are wrong or lost.
"""

import csv
import sys
from pathlib import Path

from crm.db.folding import fold_key
from crm.db.phones import read
from lead.duplicates import BLOCKS, LIKELY, LISTED, Record, blocks, compare, name_key, pairs_of

VERBOSE = "-v" in sys.argv


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [{name: unquoted(value) for name, value in row.items()} for row in csv.DictReader(file)]


def unquoted(value: str) -> str:
    value = value.strip()
    return (value[1:-1] if value[:1] == value[-1:] == "'" else value).replace("\\'", "'")


def record(source: str, row: dict[str, str], region: str) -> Record:
    number = read(row["phone"], region)
    return Record(
        pk=(source, row["id"]),
        name_fold=fold_key(row["name"]),
        city_fold=fold_key(row["city"]),
        phone_e164=number.e164,
        phone_tail=number.tail,
        email_fold="",
        name_key=name_key(row["name"], row["city"]),
    )


def report(records: list[Record], truth: set[frozenset], title: str) -> None:
    print(f"{title}: {len(records)} rows, {len(truth)} true pairs, {len(records) * (len(records) - 1) // 2:,} possible")
    candidates = {}
    for fields in BLOCKS:
        found = {frozenset((a.pk, b.pk)): (a, b) for block in blocks(records, fields) for a, b in pairs_of(block)}
        print(f"  block {' + '.join(fields):24} {len(found):6,} pairs, {len(truth & found.keys()):4} true")
        candidates |= found
    print(f"  blocking  {len(candidates):6,} pairs, recall {len(truth & candidates.keys()) / len(truth):.4f}")
    verdicts = {pair: verdict for pair, both in candidates.items() if (verdict := compare(*both))}
    for least in (LISTED, LIKELY):
        chosen = {pair for pair, verdict in verdicts.items() if verdict.score >= least}
        right = len(chosen & truth)
        print(
            f"  score >= {least}: {len(chosen):4} pairs, {right} true,"
            f" precision {right / len(chosen):.4f}, recall {right / len(truth):.4f}"
        )
    for pair, both in candidates.items():
        verdict = verdicts.get(pair)
        if VERBOSE and (pair in truth) != bool(verdict and verdict.score >= LIKELY):
            names = (f"{each.name_fold}, {each.city_fold}, {each.phone_tail}" for each in both)
            print("    lost " if pair in truth else "    wrong", verdict and verdict.score, *names, sep=" | ")
    for pair in truth - candidates.keys() if VERBOSE else ():
        print("    blocked away", *sorted(pair))


def main() -> None:
    directory = Path(sys.argv[1])
    truth = {
        frozenset((("fodors", row["fodors_id"]), ("zagats", row["zagats_id"])))
        for row in rows_of(directory / "matches_fodors_zagats.csv")
    }
    for region in ("US", ""):
        sources = {source: rows_of(directory / f"{source}.csv") for source in ("fodors", "zagats")}
        records = [record(source, row, region) for source, rows in sources.items() for row in rows]
        report(records, truth, f"PHONE_REGION={region or 'none'}")
    bare = [each._replace(phone_e164="", phone_tail="") for each in records]
    report(bare, truth, "without phones")


if __name__ == "__main__":
    main()
