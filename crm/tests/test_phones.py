"""A phone number is read however it is written, and compared with others."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType, format_number, is_number_match

from crm.db.phones import Match, is_number, read

INDIAN = "+919876543210"
COUNTRIES = [
    *["AE", "AT", "AU", "BR", "CA", "CH", "CN", "DE", "DK", "EG", "ES", "FI", "FR", "GB", "GR"],
    *["HU", "ID", "IL", "IN", "IT", "JP", "KR", "MX", "NG", "NL", "PL", "SE", "TR", "US", "ZA"],
]

NOTATIONS = [
    "+91 98765 43210",
    "098765 43210",
    "9876543210",
    "tel:+91-98765-43210;ext=4",
    "(0)98765 43210",
    "+91 (0)98765 43210",
    "+91-98765-43210",
    "0091 98765 43210",
    "91 98765 43210",
    "98765.43210",
    "98765\u201143210",
    "98765\u00a043210",
    "०९८७६५ ४३२१०",
    "+९१ ९८७६५ ४३२१०",
    "\uff10\uff19\uff18\uff17\uff16\uff15 \uff14\uff13\uff12\uff11\uff10",
    "\uff0b91 98765 43210",
    "٩٨٧٦٥ ٤٣٢١٠",
    "\u202a+91 98765 43210\u202c",
    "Tel. 98765 43210",
    "98765 43210 x4",
    "98765 43210 ext. 4",
    "98765 43210 extn 4",
    "98765 43210 extension 4",
    "98765 43210 (ext 4)",
    "98765 43210 #4",
    "98765 43210,,4",
    "tel:98765-43210;phone-context=+91",
    "98765 43210 / 91234 56789",
    "98765 43210, 91234 56789",
    "98765 43210 (home)",
    "98765 43210 Asha",
    "Reception, 98765 43210",
]


@pytest.mark.parametrize("typed", NOTATIONS)
def test_the_notations_of_one_number_are_read_as_one(typed):
    assert read(typed, "IN").e164 == INDIAN


@pytest.mark.parametrize("typed", NOTATIONS)
def test_without_a_region_the_last_nine_digits_are_the_same(typed):
    assert read(typed).tail == "876543210"


@pytest.mark.parametrize("typed", ["+91 98765 43210", "tel:+91-98765-43210;ext=4", "0091 98765 43210"])
def test_a_number_with_its_country_needs_no_region(typed):
    assert (read(typed).e164, read(typed, "US").e164, read(typed).has_country) == (INDIAN, INDIAN, True)


def test_a_number_without_a_country_has_none():
    assert read("098765 43210").e164 == ""
    assert not read("098765 43210", "IN").has_country


@pytest.mark.parametrize(
    "typed",
    [
        f"98765 43210{ext}"
        for ext in (" x4", ";ext=4", " ext. 4", "ext4", " Extn: 4", " #4", " доб. 4", " X 4", " anexo 4", " wew. 4")
    ],
)
@pytest.mark.parametrize("region", ["IN", ""])
def test_an_extension_is_set_apart(typed, region):
    number = read(typed, region)
    assert (number.extension, number.tail) == ("4", "876543210")


@pytest.mark.parametrize(
    "typed", ["", " ", "x", "12", "123456", "12 34-56", "12345 x678", "+91 98", "ext. 4", "-", "१२३४५६"]
)
def test_fewer_than_seven_digits_are_no_number(typed):
    assert (read(typed, "IN").e164, read(typed, "IN").tail) == ("", "")


@pytest.mark.parametrize("typed", ["555-4729", "12345678901234567890", "98765 43210 98765 43210"])
def test_a_number_of_an_impossible_length_has_its_last_digits_alone(typed):
    assert read(typed, "US").e164 == ""
    assert read(typed, "US").tail


@pytest.mark.parametrize(
    "typed", ["030/123456", "030 / 123456", "(030) 12 34 56", "+49 30 / 123456", "030 / 123456 / 030 / 654321"]
)
def test_an_area_code_set_apart_belongs_to_the_number(typed):
    assert (read(typed, "DE").e164, read(typed).tail) == ("+4930123456", "30123456")


@pytest.mark.parametrize(("typed", "e164"), [("+39 06 12345678", "+390612345678"), ("06 12345678", "+390612345678")])
def test_an_italian_zero_belongs_to_the_number(typed, e164):
    assert read(typed, "IT").e164 == e164
    assert read(typed).tail == read(typed, "IT").tail == "612345678"


@pytest.mark.parametrize("region", COUNTRIES)
@pytest.mark.parametrize("kind", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE], ids=["fixed line", "mobile"])
def test_the_example_numbers_of_a_country_are_read_in_every_notation(region, kind):
    example = phonenumbers.example_number_for_type(region, kind)
    e164 = format_number(example, PhoneNumberFormat.E164)
    for form in (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966):
        assert read(format_number(example, form)).e164 == e164
    national = format_number(example, PhoneNumberFormat.NATIONAL)
    for typed in (national, f"{national} ext. 12", f"  {national.replace(' ', '-')}"):
        number = read(typed, region)
        assert (number.e164, number.has_country) == (e164, False)
    assert read(national, region).match(e164, e164) == Match.EXACT
    assert read(e164).tail == read(national, region).tail


@settings(max_examples=50)
@given(st.text(max_size=60), st.sampled_from(["", "IN", "US", "ZZ", "x"]))
def test_any_text_is_read(text, region):
    number = read(text, region)
    assert len(number.e164) <= 24
    assert len(number.tail) <= 9
    assert number.tail.isdigit() or number == read("")


@settings(max_examples=50)
@given(st.from_regex(r"[6-9][0-9]{9}", fullmatch=True), st.data())
def test_a_number_typed_with_any_signs_is_the_same_number(national, data):
    sign = st.sampled_from(["", "", "", " ", "-", ".", "\u2011", "\u00a0", "/"])
    typed = "".join(digit + data.draw(sign) for digit in national).rstrip(" -./\u2011\u00a0")
    prefix = data.draw(st.sampled_from(["+91", "+91 (0)", "0", "", "0091 ", "tel:+91"]))
    number = read(prefix + typed, "IN")
    assert number.e164 == f"+91{national}"
    assert is_number_match(number.e164, f"+91{national}") == phonenumbers.MatchType.EXACT_MATCH


@pytest.mark.parametrize(
    ("sought", "typed", "e164", "match"),
    [
        (("098765 43210", "IN"), "+91 98765 43210", INDIAN, Match.EXACT),
        (("098765 43210", "IN"), "9876543210 x4", INDIAN, Match.EXACT),
        (("098765 43210", "IN"), "9876543210", "", Match.NATIONAL),
        (("098765 43210", ""), "+91 98765 43210", INDIAN, Match.NATIONAL),
        (("098765 43210", ""), "9876543210", "", Match.NATIONAL),
        (("+91 98765 43210", ""), "987-654-3210", "+19876543210", Match.NATIONAL),
        (("+91 98765 43210", ""), "+1 987-654-3210", "+19876543210", Match.SUFFIX),
        (("+91 98765 43210", ""), "876543210", "", Match.SUFFIX),
        (("098765 43210", ""), "188765 43210", "", Match.SUFFIX),
    ],
)
def test_a_match_is_exact_or_national_or_of_the_last_digits(sought, typed, e164, match):
    assert read(*sought).match(typed, e164) == match


@pytest.mark.parametrize("text", ["tel:+91-98765-43210;ext=4", "98765 43210 x4", "(0)98765", "555"])
def test_a_number_alone_is_recognised(text):
    assert is_number(text)


@pytest.mark.parametrize("text", ["", "12", "bistro 555", "e10115", "10115 berlin", "x4", "tel:"])
def test_other_texts_are_no_numbers(text):
    assert not is_number(text)


@pytest.mark.parametrize(
    "typed",
    [
        "030 123456 / 030 123457",
        "Zi 5, 030 123456",
        "12; +49 30 123456",
        "030 123456, 030 654321",
        "Meeting Point 030 123456",
    ],
)
def test_what_is_no_number_beside_one_is_passed_over(typed):
    assert (read(typed, "DE").e164, read(typed).tail) == ("+4930123456", "30123456")
