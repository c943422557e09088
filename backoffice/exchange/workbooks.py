"""XLSX workbooks, row by row with openpyxl (which reads XML by way of defusedxml: no entities).

A workbook is a zip file: its unpacked size is checked before anything is unpacked, and its rows are counted before
openpyxl reads it, which reads a whole sheet where the file does not say how large it is. Cells are read as the texts
that a user sees, formulas as the results that the file holds.
"""

import re
import zlib
from collections.abc import Generator, Iterable
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

import openpyxl
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from backoffice.exchange.formulas import disarm_typed
from backoffice.exchange.lines import MAX_COLUMNS, Lines, TableError, TooManyRows
from crm import dates

MAX_UNPACKED = 400 * 1024 * 1024  # bytes
MAX_ROW = 8 * 1024  # bytes, on average; sheets of leads have about 1,500
MAX_RATIO = 100  # unpacked to packed; sheets have about 10
MAX_PART = 2 * 1024 * 1024  # bytes of styles and the like, which openpyxl reads whole
LONGEST_ROW = 2 * 1024 * 1024  # bytes of XML, of which openpyxl makes cells before it gives the row
PIECE = 64 * 1024  # bytes
MAX_SHEET = 1_048_576  # rows, of any spreadsheet program

NO_RESULT = gettext_lazy("A formula without a result. Open the workbook, save it again, or paste the column as values.")

UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
WRITTEN = re.compile("_x((?![Dd][89A-Fa-f])[0-9A-Fa-f]{4})_")  # ECMA-376, part 1, section 22.9.2.19; no surrogates


class Workbook:
    """The first sheet of a workbook."""

    def __init__(self, file: BinaryIO, max_rows: int = 0) -> None:
        self.file = file
        allowed = min(MAX_UNPACKED, max_rows * MAX_ROW) if max_rows else MAX_UNPACKED
        self.described = "XLSX workbook"
        try:
            with ZipFile(file) as archive:
                parts = archive.infolist()
                packed = sum(part.compress_size for part in parts)
                is_bomb = sum(part.file_size for part in parts) > min(MAX_UNPACKED, MAX_RATIO * packed)
                scans = [] if is_bomb else [Scan(archive, part) for part in parts if is_read_whole(part)]
                is_bomb = is_bomb or any(scan.takes_too_much for scan in scans)
                first = "" if is_bomb else first_sheet(archive)
                rows = max((scan.rows for scan in scans if scan.name == first), default=0)
                is_large = sum(part.file_size for part in parts) > allowed
        except (BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, zlib.error) as error:
            raise TableError(_("The file looks like a workbook (.xlsx), but cannot be read.")) from error
        if max_rows and rows > 2 * max_rows and not is_bomb:  # some may look empty; the others are counted exactly
            raise TooManyRows(_("The file has more than %(rows)s rows.") % {"rows": f"{max_rows:,}"})
        if is_bomb or is_large:
            raise TableError(_("The workbook unpacks to far more than it should. Save its table as CSV."))
        self.has_formulas = any(scan.has_formulas for scan in scans)

    def lines(self) -> Lines:
        """Cells beyond the header's last are there only where they are not empty."""
        width = 0
        try:
            with closing(self.rows(data_only=True)) as rows, closing(self.formulas()) as formulas:
                gap: Any = None
                for cells, formula in zip(rows, formulas, strict=False):
                    if cells is gap:  # openpyxl fills a million missing rows with one and the same
                        yield []
                        continue
                    gap = cells
                    line = [
                        TableError(NO_RESULT) if place in formula and cell.value is None else text_of(cell)
                        for place, cell in enumerate(cells)
                    ]
                    while len(line) > width and not line[-1]:
                        line.pop()
                    width = width or len(line)
                    yield line
        except Exception as error:  # openpyxl raises exceptions of any kind for a damaged workbook
            raise TableError(
                _("The workbook cannot be read. Open it, save it again, or save its table as CSV.")
            ) from error

    def rows(self, *, data_only: bool) -> Generator[tuple, None, None]:
        """The cells of each row; of a formula its last result with `data_only`, else its text."""
        self.file.seek(0)
        book = openpyxl.load_workbook(self.file, read_only=True, keep_links=False, data_only=data_only)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what the file claims of its size may be wrong
            yield from islice(sheet.iter_rows(max_col=MAX_COLUMNS), MAX_SHEET)
        finally:
            book.close()

    def formulas(self) -> Generator[set[int], None, None]:
        """Of each row, the places of its formulas."""
        if not self.has_formulas:
            while True:
                yield set()
        for cells in self.rows(data_only=False):
            yield {place for place, cell in enumerate(cells) if cell.data_type == "f"}


def is_read_whole(part: ZipInfo) -> bool:
    return part.filename.endswith((".xml", ".rels")) and not part.filename.endswith("sharedStrings.xml")


class Scan:
    """A part of the workbook: of a sheet, how many rows have values, and whether there are formulas.

    It takes too much where openpyxl would need much memory at once for it, or for a row of it.
    """

    def __init__(self, archive: ZipFile, part: ZipInfo) -> None:
        self.name, self.rows, self.has_formulas = part.filename, 0, False
        self.takes_too_much = part.file_size > MAX_PART
        if "/worksheets/" not in part.filename:
            return
        length, has_value, self.takes_too_much = 0, False, False
        with archive.open(part) as sheet:
            while piece := sheet.read(PIECE):
                self.has_formulas = self.has_formulas or b"<f>" in piece or b"<f " in piece
                *ended, rest = piece.split(b"row>")
                for text in ended:
                    self.rows += has_value or b"<v" in text or b"<is" in text
                    has_value, self.takes_too_much = False, self.takes_too_much or length + len(text) > LONGEST_ROW
                    length = 0
                length += len(rest)
                has_value = has_value or b"<v" in rest or b"<is" in rest
                if self.takes_too_much or length > LONGEST_ROW:
                    self.takes_too_much = True
                    return


def first_sheet(archive: ZipFile) -> str:
    """The part that the first sheet is in; empty where that does not show."""
    names = archive.namelist()
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= set(names):
        return ""
    sheet = re.search(rb"<sheet [^>]*r:id=\"(\w+)\"", archive.read("xl/workbook.xml"))
    relations = re.findall(rb"<Relationship [^>]*>", archive.read("xl/_rels/workbook.xml.rels"))
    for relation in relations:
        target = re.search(rb"Target=\"([^\"]+)\"", relation)
        if sheet and target and b'Id="%s"' % sheet[1] in relation:
            return "xl/" + target[1].decode().removeprefix("/xl/").removeprefix("xl/")
    return ""


def text_of(cell: Any) -> str | TableError:
    """What the cell shows, dates as ISO 8601, numbers with the 15 digits that spreadsheets compute with."""
    match cell.data_type, cell.value:
        case "e", value:
            return TableError(_("An error: %(value)s.") % {"value": value})
        case _, None:
            return ""
        case _, bool(value):
            return str(value).upper()
        case _, float(value) if value.is_integer() and abs(value) < 10**18:
            return str(int(value))
        case _, float(value):
            return f"{value:.15g}"
        case _, datetime() | date() as value:
            return value.isoformat()
        case _, value:
            return WRITTEN.sub(lambda found: chr(int(found[1], 16)), str(value))


def write_workbook(header: list[str], rows: Iterable[Iterable[Any]]) -> IO[bytes]:
    """A workbook in a temporary file. Memory does not grow with its rows."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Export")
    sheet.freeze_panes = "A2"
    sheet.append([cell_of(sheet, name, bold=True) for name in header])
    for row in rows:
        sheet.append([cell_of(sheet, value) for value in row])
    file = TemporaryFile()  # noqa: SIM115 (FileResponse closes it)
    book.save(file)
    file.seek(0)
    return file


BOLD = Font(bold=True)


def cell_of(sheet: Any, value: Any, *, bold: bool = False) -> Any:
    """Texts are cells of the type text, whatever they look like; instants are local and without an offset."""
    if isinstance(value, str):
        text = UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", disarm_typed(value))
        cell = WriteOnlyCell(sheet, text)
        cell.data_type, cell.number_format = "s", "@"
    elif isinstance(value, datetime):
        cell = WriteOnlyCell(sheet, value.astimezone(dates.server_zone()).replace(tzinfo=None))
    else:
        cell = WriteOnlyCell(sheet, value)
        if isinstance(value, Decimal):
            cell.number_format = "0.00"
    if bold:
        cell.font = BOLD
    return cell
