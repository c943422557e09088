"""How alike two names are, by which key they are found, and what a pair of rows scores: pure."""

import pytest

from crm.db.folding import fold, fold_key
from lead.duplicates import (
    ALIKE,
    BLOCK,
    LIKELY,
    NEXT,
    DuplicateReason,
    Record,
    blocks,
    compare,
    is_near,
    name_key,
    pairs_of,
    similarity,
)

ONE, OTHER = "+919876543210", "+919123456780"


def record(pk=1, name="Bistro Anna", city="Pune", phone="", email="", pincode="") -> Record:
    return Record(pk, fold_key(name), fold_key(city), phone, phone[-9:], email, name_key(name, city), pincode)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bistro Anna", "BISTRO ANNA"),
        ("Bistro Anna", "Bistro Ana"),
        ("Bistro Anna", "Anna's Bistro"),
        ("Anna", "Anna Restaurant"),
        ("The Palm", "Palm, The (Los Angeles)"),
        ("Art's Delicatessen", "Art’s Deli"),
        ("Hotel Bel-Air", "Bel-Air Hotel"),
        ("Pano's and Paul's", "Pano's & Paul's"),
        ("Four Seasons Grill Room", "Four Seasons"),
        ("Smørrebrød Huset", "Smorrebrod Huset"),
        ("Чайхана Лагман", "Чайхана Лагманъ"),
        ("A. Rao", "Asha Rao"),
        ("Rao, Asha", "Asha Rao"),
    ],
)
def test_names_are_alike_in_either_order(one, other):
    assert similarity(fold(one), fold(other), "los angeles") >= ALIKE
    assert similarity(fold(other), fold(one), "los angeles") >= ALIKE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bistro Anna", "Bistro Ben"),
        ("Ritz-Carlton Café", "Ritz-Carlton Dining Room"),
        ("Restaurant", "Restaurant Anna"),
        ("Golden Spoon Kitchen", "Golden Ladle Kitchen"),
        ("Los Angeles Grill", "Los Angeles Bakery"),
        ("Asha Rao", "Ben Rao"),
    ],
)
def test_names_are_not_alike_in_either_order(one, other):
    assert similarity(fold(one), fold(other), "los angeles") < ALIKE
    assert similarity(fold(other), fold(one), "los angeles") < ALIKE


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("anna", "ana", True),
        ("grill", "grille", True),
        ("anna", "anan", True),
        ("anna", "enna", True),
        ("deli", "delicatessen", True),
        ("a", "asha", True),
        ("anna", "enno", False),
        ("an", "ab", False),
        ("ann", "annabel", False),
        ("anna", "nnaa", False),
        ("25", "5", False),
        ("1", "17", False),
        ("2024", "20245", False),
    ],
)
def test_near_words_have_one_slip_or_begin_alike(one, other, expected):
    assert is_near(one, other) is expected
    assert is_near(other, one) is expected


@pytest.mark.parametrize(
    "name", ["Anna's", "Café Ana", "Bistro Anna", "ANNA Ristorante", "The Anna", "(Anna)", "Ánnà", "Anna & the Bar"]
)
def test_names_that_begin_alike_have_one_key(name):
    assert name_key(name) == "an"


@pytest.mark.parametrize(
    ("name", "key"),
    [("Restaurant", "rstrnt"), ("The", "th"), ("21 Club", "21"), ("寿司", "寿司"), ("!?", ""), ("", "")],
)
def test_every_name_with_a_word_has_a_key(name, key):
    assert name_key(name) == key


def test_the_city_in_a_name_is_not_part_of_its_key():
    assert name_key("Spago (Los Angeles)", "Los Ángeles") == name_key("Spago", "los angeles") == "spg"
    assert name_key("Pune", "Pune") == "pn"


@pytest.mark.parametrize(
    ("fields", "score", "reasons"),
    [
        ({"phone": ONE}, 0.9, ["PHONE", "NAME_AND_CITY"]),
        ({"phone": ONE, "city": "Mumbai"}, 0.9, ["PHONE", "NAME"]),
        ({"phone": ONE, "name": "Cafe Blau"}, 0.5, ["PHONE"]),
        ({"email": "a@b.example", "name": "Cafe Blau"}, 0.5, ["EMAIL"]),
        ({"phone": ONE, "email": "a@b.example", "name": "Cafe Blau"}, 0.75, ["PHONE", "EMAIL"]),
        ({"phone": ""}, 0.8, ["NAME_AND_CITY"]),
        ({"phone": OTHER}, 0.72, ["NAME_AND_CITY"]),
        ({"phone": OTHER, "pincode": "411002"}, 0.58, ["NAME_AND_CITY"]),
        ({"phone": "", "city": ""}, 0.64, ["NAME"]),
        ({"phone": "", "city": "Pune City"}, 0.8, ["NAME"]),
        ({"phone": "", "name": "Bistro Ana"}, 0.76, ["NAMES_ALIKE"]),
        ({"phone": "", "city": "Mumbai"}, None, None),
        ({"phone": OTHER, "name": "Bistro Ben"}, None, None),
    ],
)
def test_a_pair_is_scored_by_what_speaks_for_it_and_against(fields, score, reasons):
    ours = record(phone=ONE, email="a@b.example", pincode="411001")
    verdict = compare(ours, record(2, **fields))
    assert compare(record(2, **fields), ours) == verdict
    assert (verdict and (verdict.score, [str(reason) for reason in verdict.reasons])) == (score and (score, reasons))


def test_a_number_without_a_country_is_compared_by_its_last_digits():
    bare = record(2, name="Cafe Blau")._replace(phone_tail=ONE[-9:])
    assert compare(record(phone=ONE), bare).reasons == (DuplicateReason.PHONE,)
    assert compare(record(phone=ONE), bare._replace(phone_e164="+4" + ONE[2:])) is None


def test_people_in_one_place_need_no_city():
    one, other = record(name="Asha Rao", city=""), record(2, name="A. Rao", city="")
    assert compare(one, other, in_one_place=True).why == "Names alike."
    assert compare(one, one._replace(pk=3), in_one_place=True).score >= LIKELY


def test_the_reasons_are_given_in_words():
    assert compare(record(phone=ONE), record(2, phone=ONE)).why == "Same phone, same name and city."


def test_a_block_is_paired_all_with_all_a_long_one_with_the_next():
    rows = [record(number, name=f"Anna {number:03}") for number in range(BLOCK + 1)]
    assert len(list(pairs_of(rows[:BLOCK]))) == BLOCK * (BLOCK - 1) // 2
    pairs = [(one.pk, other.pk) for one, other in pairs_of(rows[::-1])]
    assert len(pairs) == len(set(pairs)) <= NEXT * (BLOCK + 1)
    assert {(number, number + 1) for number in range(BLOCK)} <= set(pairs)


def test_rows_without_a_value_are_no_block():
    rows = [record(1), record(2), record(3, name="Cafe Blau", city="")]
    assert list(blocks(rows, ("phone_e164",))) == []
    assert list(blocks(rows, ("name_key", "city_fold"))) == [rows[:2]]
