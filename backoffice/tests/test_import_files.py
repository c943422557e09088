"""Which files an import takes, and how it names what is wrong with the others."""

from io import BytesIO
from random import Random
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from backoffice.exchange.lines import TableError, TooManyRows
from backoffice.exchange.tables import Table
from backoffice.tests.support import csv_file, xlsx_file

COLUMNS = ["id", "name", "city", "phone", "notes"]
NAMES = ["Café Ñandú", "Smørrebrød & Söhne", "L’Été – “€”"]


def read(content: bytes) -> list[dict[str, str]]:
    return [row.cells for row in Table(BytesIO(content), COLUMNS)]


def refusal(content: bytes) -> str:
    with pytest.raises(TableError) as refused:
        list(Table(BytesIO(content), COLUMNS))
    return str(refused.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings_and_delimiters_are_detected(encoding, delimiter):
    rows = [[name, "a, b; c\td"] for name in NAMES]
    content = csv_file(["name", "city"], *rows, encoding=encoding, delimiter=delimiter)
    assert read(content) == [{"name": name, "city": city} for name, city in rows]


@pytest.mark.parametrize(
    ("encoding", "delimiter", "described"),
    [
        ("utf-8", ",", "CSV in UTF-8, separated by commas"),
        ("utf-8-sig", ";", "CSV in UTF-8 with a byte order mark, separated by semicolons"),
        ("cp1252", "\t", "CSV in Windows-1252, separated by tabs"),
    ],
)
def test_a_table_describes_how_its_file_was_read(encoding, delimiter, described):
    content = csv_file(["name", "city"], [NAMES[0], "Pune"], encoding=encoding, delimiter=delimiter)
    assert Table(BytesIO(content), COLUMNS).described == described


def test_an_encoding_is_detected_from_the_whole_file():
    rows = [["Bistro Anna", "Pune"]] * 20_000
    content = csv_file(["name", "city"], *rows, [NAMES[0], "Pune"], encoding="cp1252")
    assert read(content)[-1]["name"] == NAMES[0]


def test_a_file_in_another_encoding_is_refused_naming_the_line():
    assert "neither UTF-8 nor Windows-1252: see line 3, byte 0x81" in refusal(b"name\nAnna\nB\x81stro\n")


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
        (b"name,,city\nA,B,C\n", "Column 2 of the first row has no name."),
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


def test_a_formula_is_in_error_in_its_cell():
    [row] = Table(BytesIO(xlsx_file(["name", "city"], ["Anna", "=1+1"])), COLUMNS)
    assert row.problems == {"city": ["A formula. Copy the column and paste it as values."]}


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
