"""Numbers and amounts as people read them: grouped, in the format of the active language, with the currency."""

from decimal import Decimal

import pytest
from django.utils import translation

from crm.formats import money, number

AMOUNT = Decimal("1234567.80")


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "1,234,567.80"),
        ("en-in", "12,34,567.80"),
        ("en-gb", "1,234,567.80"),
        ("de", "1.234.567,80"),
        ("de-ch", "1\xa0234\xa0567,80"),
        ("de-in", "1.234.567,80"),  # no formats of German in India: those of German
    ],
)
def test_an_amount_is_in_the_format_of_language_and_country(language, shown):
    with translation.override(language):
        assert money(AMOUNT) == shown


@pytest.mark.parametrize("amount", ["0", "0.05", "-1234.5", "999.99", "1000", "1E+3", "99999999999999.99"])
def test_without_a_language_an_amount_is_as_in_english(amount):
    with translation.override(None):
        assert money(Decimal(amount)) == f"{Decimal(amount):,.2f}"


def test_the_currency_comes_after_the_amount_on_the_same_line(settings):
    settings.CURRENCY = "INR"
    assert money(AMOUNT) == "1,234,567.80\xa0INR"
    assert money(None) == "–"


@pytest.mark.parametrize(("amount", "shown"), [("5000.00", "5,000"), ("5000.50", "5,000.50"), ("5000", "5,000")])
def test_a_brief_amount_has_no_zeros_as_decimals(amount, shown):
    assert money(Decimal(amount), brief=True) == shown


def test_a_number_has_groups():
    assert number(1_234_567) == "1,234,567"
    with translation.override("en-in"):
        assert number(1_234_567) == "12,34,567"
