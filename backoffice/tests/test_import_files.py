"""Which files an import takes, and how it names what is wrong with the others."""

from io import BytesIO
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest

from backoffice.exchange.encodings import UnknownEncoding
from backoffice.exchange.lines import TableError, TooManyRows
from backoffice.exchange.tables import Columns, Table
from backoffice.tests.support import csv_file, xlsx_file

COLUMNS = Columns(["id", "name", "city", "phone", "notes"], {"restaurant_name": "name", "e_mail": "notes"})
NAMES = ["Café Ñandú", "Smørrebrød & Söhne", "L’Été – “€”"]


def read(content: bytes, **options) -> list[dict[str, str]]:
    return [row.cells for row in Table(BytesIO(content), COLUMNS, **options)]


def refusal(content: bytes) -> str:
    with pytest.raises(TableError) as refused:
        list(Table(BytesIO(content), COLUMNS))
    return str(refused.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_delimiters_are_detected(encoding, delimiter):
    rows = [[name, "a, b; c\td|e"] for name in NAMES]
    content = csv_file(["name", "city"], *rows, encoding=encoding, delimiter=delimiter)
    assert read(content) == [{"name": name, "city": city} for name, city in rows]


@pytest.mark.parametrize(
    ("encoding", "delimiter", "described"),
    [
        ("utf-8", ",", "CSV in UTF-8, separated by commas"),
        ("utf-8-sig", ";", "CSV in UTF-8 with a byte order mark, separated by semicolons"),
        ("utf-16", "|", "CSV in UTF-16, separated by vertical bars"),
    ],
)
def test_a_table_describes_how_its_file_was_read(encoding, delimiter, described):
    content = csv_file(["name", "city"], [NAMES[0], "Pune"], encoding=encoding, delimiter=delimiter)
    assert Table(BytesIO(content), COLUMNS).described == described


# Of each encoding: a text, and what the same bytes are in another one that allows them.
TEXTS = {
    "cp1252": ("Crêperie Été, Málaga", "cp1251"),
    "cp1250": ("Łódź, Żółć", "cp1252"),
    "cp1251": ("Ресторан Москва", "cp1252"),
    "cp932": ("レストラン東京", "cp1251"),
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_an_encoding_is_requested_with_samples_and_not_guessed(encoding):
    text, other = TEXTS[encoding]
    content = csv_file(["name", "city"], *[["Bistro Anna", "Pune"]] * 20_000, [text, "Pune"], encoding=encoding)
    with pytest.raises(UnknownEncoding) as refused:
        read(content)
    samples = {each.encoding: each.sample for each in refused.value.candidates}
    assert text.split(",")[0] in samples[encoding][0]
    assert read(content, encoding=encoding)[-1]["name"] == text
    assert all("Pune" in sample[0] for sample in samples.values())
    assert len({tuple(sample) for sample in samples.values()}) == len(samples)


def test_the_likely_encoding_comes_first():
    for encoding in ("cp1251", "cp932", "cp1252"):
        with pytest.raises(UnknownEncoding) as refused:
            read(csv_file(["name"], [TEXTS[encoding][0]], encoding=encoding))
        first = [each.encoding for each in refused.value.candidates][:4]
        assert encoding in first


def test_encodings_that_the_bytes_do_not_allow_are_not_offered():
    with pytest.raises(UnknownEncoding) as refused:
        read(b"name\nB\x98stro\n")  # undefined in Windows-1250 and -1251
    offered = {each.encoding for each in refused.value.candidates}
    assert "cp1252" in offered
    assert offered.isdisjoint({"cp1250", "cp1251"})


@pytest.mark.parametrize(("encoding", "message"), [("latin9", "is not known"), ("cp1252", "is not in Windows-1252")])
def test_an_encoding_that_is_none_or_does_not_fit_is_refused(encoding, message):
    with pytest.raises(TableError, match=message):
        read(b"name\nB\x81stro\n", encoding=encoding)


def test_a_utf_8_file_with_a_bad_byte_is_refused():
    assert "is UTF-8, except in line 3, byte 0xE9" in refusal("name\nCafé\n".encode() + b"Caf\xe9\n")


def test_a_bad_byte_after_many_good_ones_is_found():
    content = b"name\n" + "Café\n".encode() * 100_000 + b"Caf\xe9\n"
    assert "except in line 100,002, byte 0xE9" in refusal(content)


def test_a_character_cut_by_the_end_of_the_file_is_found():
    assert "except in line 2, byte 0xC3" in refusal("name\nCafé Ã".encode()[:-1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old kind (.xls)"),
        (b"PK\x03\x04 and no more", "cannot be read"),
        (b"Anna,Pune\nBen,Goa\n", "The first row does not name the columns."),
        (b"name,town\nAnna,Pune\n", "The column “town” is not known."),
        (b"name,fone\nAnna,1\n", "Did you mean “phone”?"),
        (b"name,city,town,land\nA,B,C,D\n", "The columns “town”, “land” are not known."),
        (b"name,city,Name\nA,B,C\n", "The column “name” is named more than once."),
        (b"name,,city\nA,B,C\n", "The column “column 2” is not known."),
        (b'name,city\nAnna,"Pune\nBen,Goa\n', "Row 2 (line 3): unexpected end of data."),
        (b'name,city\nAnna,"Pu"ne\n', "Row 2 (line 2): ',' expected after '\"'."),
        (b"name,city\nAnna,%s\n" % (b"x" * 200_000), "Row 2 (line 2): field larger than field limit (131072)."),
        (b"\xff\xfen\x00a\x00m\x00e\x00\n\x00A", "Row 2 is not text"),
    ],
)
def test_a_file_of_another_format_is_refused_with_the_reason(content, message):
    assert message in refusal(content)


def test_column_names_may_have_spaces_dashes_and_capitals():
    assert Table(BytesIO(b"Name, CITY ,,\nAnna,Pune,,\n"), COLUMNS).header == ["name", "city"]


def test_rows_have_the_numbers_that_a_spreadsheet_shows():
    rows = Table(BytesIO(b'name,notes\nAnna,"two\nlines"\n\n,\nBen,\n'), COLUMNS)
    assert [row.number for row in rows] == [2, 5]


@pytest.mark.parametrize("line", [b"Anna\n", b"Anna,Pune,1\n"])
def test_a_row_with_more_or_fewer_cells_than_the_header_is_in_error(line):
    [row] = Table(BytesIO(b"name,city\n" + line), COLUMNS)
    assert "where the header has 2" in row.problems[""][0]


def test_empty_cells_beyond_the_header_are_ignored():
    assert read(b"name,city\nAnna,Pune,,\n") == [{"name": "Anna", "city": "Pune"}]


def test_more_rows_than_allowed_are_refused():
    table = Table(BytesIO(csv_file(["name"], *[["Anna"]] * 4)), COLUMNS, max_rows=3)
    with pytest.raises(TooManyRows, match="more than 3 rows"):
        list(table)


# --- Workbooks ------------------------------------------------------------------------------------


def test_the_cells_of_a_workbook_are_read_as_they_look():
    content = xlsx_file(["name", "city", "phone", "notes"], ["Anna", None, 2125550101, 0.1 + 0.2], ["Ben", True, 1e3])
    assert read(content) == [
        {"name": "Anna", "city": "", "phone": "2125550101", "notes": "0.3"},
        {"name": "Ben", "city": "TRUE", "phone": "1000", "notes": ""},
    ]


def test_a_formula_without_a_stored_result_is_in_error():
    [row] = Table(BytesIO(xlsx_file(["name", "city"], ["Anna", "=1+1"])), COLUMNS)
    assert "A formula without a result." in row.problems["city"][0]


def test_a_formula_is_read_as_its_stored_result():
    content = xlsx_file(["name", "city"], ["Anna", "=1+1"])
    content = repacked(content, "sheet1.xml", lambda xml: xml.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>"))
    content = repacked(content, "sheet1.xml", lambda xml: xml.replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>"))
    assert read(content) == [{"name": "Anna", "city": "2"}]


def test_a_workbook_with_too_many_rows_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(openpyxl, "load_workbook", None)
    content = xlsx_file(["name"], *[["Anna"]] * 30)
    with pytest.raises(TooManyRows, match="more than 10 rows"):
        Table(BytesIO(content), COLUMNS, max_rows=10)


def repacked(content: bytes, part: str, change) -> bytes:
    packed = BytesIO()
    with ZipFile(BytesIO(content)) as old, ZipFile(packed, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name.endswith(part) else old.read(name))
    return packed.getvalue()


WORKBOOK = xlsx_file(["name", "city"], ["Anna", "Pune"])


def test_a_zip_bomb_is_not_unpacked():
    bomb = repacked(WORKBOOK, "sheet1.xml", lambda xml: xml + b" " * 50_000_000)
    assert len(bomb) < 100_000
    assert "unpacks to far more than it should" in refusal(bomb)


@pytest.mark.parametrize(("part", "place"), [("styles.xml", b"<fonts"), ("sheet1.xml", b"<row")])
def test_a_large_part_or_row_of_a_workbook_is_refused(part, place):
    noise = b"<!--" + Random(1).randbytes(1_500_000).hex().encode() + b"-->"  # hardly to be packed
    assert "unpacks to far more than it should" in refusal(
        repacked(WORKBOOK, part, lambda xml: xml.replace(place, noise + place, 1))
    )


def test_entities_in_a_workbook_are_not_expanded():
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><worksheet'
    crafted = repacked(WORKBOOK, "sheet1.xml", lambda xml: xml.replace(b"<worksheet", entity, 1))
    assert "The workbook cannot be read." in refusal(crafted)


@pytest.mark.parametrize("part", ["workbook.xml", "sheet1.xml", "Content_Types].xml", "styles.xml"])
def test_a_damaged_workbook_is_refused(part):
    assert "The workbook cannot be read." in refusal(repacked(WORKBOOK, part, lambda xml: xml[: len(xml) // 2]))


def test_a_row_far_down_ends_the_table():
    crafted = repacked(WORKBOOK, "sheet1.xml", lambda xml: xml.replace(b'r="2"', b'r="999999999"'))
    assert read(crafted) == []


def test_a_wide_row_is_in_error_and_takes_little_memory():
    [row] = Table(BytesIO(repacked(WORKBOOK, "sheet1.xml", lambda xml: xml.replace(b"B2", b"CA2"))), COLUMNS)
    assert row.problems[""] == ["Has 79 cells where the header has 2."]


# --- Real files -----------------------------------------------------------------------------------


def test_the_separator_line_of_excel_is_read_and_not_counted():
    table = Table(BytesIO(b"sep=;\r\nname;city\r\nAnna, Ben;Pune\r\n"), COLUMNS)
    assert [(row.number, row.cells) for row in table] == [(2, {"name": "Anna, Ben", "city": "Pune"})]


def test_a_separator_line_that_names_no_delimiter_is_passed_over():
    assert read(b"sep=:\r\nname;city\r\nAnna;Pune\r\n") == [{"name": "Anna", "city": "Pune"}]


@pytest.mark.parametrize("blank", [b"\n\n", b";;\n", b" \r\n"])
def test_blank_lines_before_the_header_are_skipped(blank):
    assert read(blank + b"name;city\nAnna;Pune\n") == [{"name": "Anna", "city": "Pune"}]


def test_columns_are_known_by_their_synonyms():
    assert read(b"Restaurant Name,E-Mail\nAnna,a@example.com\n") == [{"name": "Anna", "notes": "a@example.com"}]


def test_a_columns_own_name_takes_it_from_its_synonyms():
    table = Table(BytesIO(b"Restaurant Name,Name\nA,B\n"), COLUMNS, is_draft=True)
    assert (table.header, table.undecided) == (["", "name"], ["Restaurant Name"])


def test_a_mapping_names_columns_and_leaves_others_out():
    content = b"DBA,BORO,GRADE\nAnna,Queens,A\n"
    assert read(content, mapping={"DBA": "name", "BORO": "city", "GRADE": ""}) == [{"name": "Anna", "city": "Queens"}]
    assert read(content, mapping={"DBA": "name"}) == [{"name": "Anna"}]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [({"DBA": "town"}, "“town” is not known"), ({"Dba": "name"}, "“Dba” is not in the file")],
)
def test_a_mapping_of_what_does_not_exist_is_refused(mapping, message):
    with pytest.raises(TableError, match=message):
        read(b"DBA,BORO\nAnna,Queens\n", mapping=mapping)


def test_rows_given_back_with_their_problems_can_be_read_again():
    assert read(b"name,import_problem\nAnna,city: too long\n") == [{"name": "Anna"}]
