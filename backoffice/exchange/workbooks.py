"""XLSX workbooks, row by row with openpyxl (which reads XML by way of defusedxml: no entities).

A workbook is a zip file: its unpacked size is checked before anything is unpacked. Its cells are read as the texts
that a user sees; a formula is refused, since its last result may be missing or old.
"""

import re
import zlib
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from backoffice.exchange.formulas import disarm_typed
from backoffice.exchange.lines import MAX_COLUMNS, Lines, TableError
from crm import dates

MAX_UNPACKED = 400 * 1024 * 1024  # bytes
MAX_ROW = 8 * 1024  # bytes, on average; sheets of leads have about 1,500
MAX_RATIO = 100  # unpacked to packed; sheets have about 10
MAX_PART = 2 * 1024 * 1024  # bytes of styles and the like, which openpyxl reads whole
LONGEST_ROW = 2 * 1024 * 1024  # bytes of XML, of which openpyxl makes cells before it gives the row
PIECE = 64 * 1024  # bytes
MAX_SHEET = 1_048_576  # rows, of any spreadsheet program

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
                unpacked = sum(part.file_size for part in archive.infolist())
                packed = sum(part.compress_size for part in archive.infolist())
                is_bomb = unpacked > min(allowed, MAX_RATIO * packed) or any(
                    takes_too_much(archive, part) for part in archive.infolist()
                )
        except (BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, zlib.error) as error:
            raise TableError("The file looks like a workbook (.xlsx), but cannot be read.") from error
        if is_bomb:
            raise TableError("The workbook unpacks to far more than it should. Save its table as CSV.")

    def lines(self) -> Lines:
        """Cells beyond the header's last are there only where they are not empty."""
        self.file.seek(0)
        width = 0
        try:
            book = openpyxl.load_workbook(self.file, read_only=True, keep_links=False)
            try:
                sheet = book.worksheets[0]
                sheet.reset_dimensions()  # what the file claims of its size may be wrong
                gap: Any = None
                for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), 1):
                    if number > MAX_SHEET:
                        break
                    if cells is gap:  # openpyxl fills a million missing rows with one and the same
                        yield []
                        continue
                    gap, line = cells, [text_of(cell) for cell in cells]
                    while len(line) > width and not line[-1]:
                        line.pop()
                    width = width or len(line)
                    yield line
            finally:
                book.close()
        except Exception as error:  # openpyxl raises exceptions of any kind for a damaged workbook
            raise TableError(
                "The workbook cannot be read. Open it, save it again, or save its table as CSV."
            ) from error


def takes_too_much(archive: ZipFile, part: ZipInfo) -> bool:
    """Whether openpyxl would need much memory at once for a part of the workbook, or for a row of one."""
    if part.filename.endswith("sharedStrings.xml") or not part.filename.endswith((".xml", ".rels")):
        return False
    if "/worksheets/" not in part.filename:
        return part.file_size > MAX_PART
    row = 0
    with archive.open(part) as sheet:
        while piece := sheet.read(PIECE):
            first, *others = piece.split(b"row>")
            row += len(first)
            if row > LONGEST_ROW:
                return True
            row = len(others[-1]) if others else row
    return False


def text_of(cell: Any) -> str | TableError:
    """What the cell shows, dates as ISO 8601, numbers with the 15 digits that spreadsheets compute with."""
    match cell.data_type, cell.value:
        case "f", _:
            return TableError("A formula. Copy the column and paste it as values.")
        case "e", value:
            return TableError(f"An error: {value}.")
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
