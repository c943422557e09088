"""Reading uploaded tables, CSV files and XLSX workbooks: a header that names columns, then rows of text.

What kind of file it is, its encoding and its delimiter are read from its bytes, not from its name. What cannot be
read is named by row and column; nothing is guessed silently: `Table.described` says how the file was read.
"""

import codecs
import csv
import re
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from io import TextIOWrapper
from typing import BinaryIO, TextIO

from backoffice.exchange.formulas import arm
from backoffice.exchange.lines import WHOLE_ROW, Line, Lines, Source, TableError, TooManyRows

BLOCK = 256 * 1024  # bytes
HEADER = 64 * 1024  # characters, at most
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CP1252_UNUSED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(slots=True)
class Row:
    """One row under the header: its number as a spreadsheet shows it, its texts and its problems by column."""

    number: int
    cells: dict[str, str] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)


class Table:
    """A file's rows under the columns that its header names; it can be iterated any number of times.

    Raises TableError for a file that cannot be read, or whose header does not fit `columns`; while the rows are read
    also for more than `max_rows` of them (0: as many as there are). Without a column `id` all rows are new, and the
    `required` columns must be there.
    """

    def __init__(
        self, file: BinaryIO, columns: Collection[str], *, required: Collection[str] = (), max_rows: int = 0
    ) -> None:
        self.source, self.max_rows = source_of(file, columns, max_rows), max_rows
        self.described = self.source.described
        with closing(self.source.lines()) as lines:
            self.header = header_of(next(lines, []), columns)
        missing = [] if "id" in self.header else [name for name in required if name not in self.header]
        if missing:
            raise TableError(f"{listed('column', missing)} missing.")

    def __iter__(self) -> Iterator[Row]:
        rows = 0
        with closing(self.source.lines()) as lines:
            for number, line in enumerate(lines, 1):
                if number > 1 and any(line):
                    rows += 1
                    if self.max_rows and rows > self.max_rows:
                        raise TooManyRows(f"The file has more than {self.max_rows:,} rows.")
                    yield self.row(number, line)

    def row(self, number: int, line: Line) -> Row:
        row = Row(number)
        if len(line) < len(self.header) or any(line[len(self.header) :]):
            row.problems[WHOLE_ROW] = [f"Has {len(line)} cells where the header has {len(self.header)}."]
        for column, cell in zip(self.header, line, strict=False):
            if isinstance(cell, TableError):
                row.problems[column] = [str(cell)]
            else:
                row.cells[column] = arm(cell).replace("\r\n", "\n").replace("\r", "\n")
        return row


def source_of(file: BinaryIO, columns: Collection[str], max_rows: int) -> Source:
    """Raises TableError for a file of another kind."""
    file.seek(0)
    start = file.read(8)
    if not start:
        raise TableError("The file is empty.")
    if start.startswith(b"PK"):
        from backoffice.exchange.workbooks import Workbook  # openpyxl takes 6 MB

        return Workbook(file, max_rows)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise TableError("This is a workbook of the old kind (.xls). Save it as .xlsx or as CSV.")
    return TextFile(file, columns)


class TextFile:
    """A CSV file (RFC 4180), whichever delimiter separates its cells."""

    def __init__(self, file: BinaryIO, columns: Collection[str]) -> None:
        self.file = file
        self.encoding, name = encoding_of(file)
        with self.text() as text:
            self.delimiter = delimiter_of(text, columns)
        self.described = f"CSV in {name}, separated by {DELIMITERS[self.delimiter]}"

    @contextmanager
    def text(self) -> Iterator[TextIOWrapper]:
        self.file.seek(0)
        text = TextIOWrapper(self.file, self.encoding, newline="")
        try:
            yield text
        finally:
            text.detach()  # closing it would close the file

    def lines(self) -> Lines:
        with self.text() as text:
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            number = 0
            while True:
                number += 1
                try:
                    yield list(next(reader))
                except StopIteration:
                    return
                except csv.Error as error:
                    raise TableError(f"Row {number:,} (line {reader.line_num:,}): {error}.") from error
                except UnicodeError as error:
                    raise TableError(f"Row {number:,} is not text: {error}.") from error


def encoding_of(file: BinaryIO) -> tuple[str, str]:
    """Python's name for the file's encoding, and its common name.

    Hardly any other text is valid UTF-8 by chance. What is not UTF-8 is Windows-1252, unless it holds bytes that are
    undefined there, or good UTF-8 before the first bad byte. Raises TableError, which names the line.
    """
    file.seek(0)
    start = file.read(4)
    if start.startswith(UTF_16):
        return "utf-16", "UTF-16"
    has_bom = start.startswith(codecs.BOM_UTF8)
    bad, is_multibyte = first_bad_byte(file)
    if bad is None:
        return ("utf-8-sig", "UTF-8 with a byte order mark") if has_bom else ("utf-8", "UTF-8")
    if has_bom or is_multibyte:
        raise TableError(f"The file is UTF-8, except in {place(file, bad)}. Save it as UTF-8 and try again.")
    file.seek(0)
    position = 0
    while block := file.read(BLOCK):
        if found := CP1252_UNUSED.search(block):
            where = place(file, position + found.start())
            raise TableError(
                f"The file is neither UTF-8 nor Windows-1252: see {where}. Save it as UTF-8 and try again."
            )
        position += len(block)
    return "cp1252", "Windows-1252"


def first_bad_byte(file: BinaryIO) -> tuple[int | None, bool]:
    """Where the file stops being UTF-8 (None: nowhere), and whether there is a character of several bytes before."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    position, is_multibyte = 0, False
    while True:
        block = file.read(BLOCK)
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            good = error.object[: error.start]
            return position - pending + error.start, is_multibyte or not good.isascii()
        if not block:
            return None, is_multibyte
        is_multibyte = is_multibyte or not text.isascii()
        position += len(block)


def place(file: BinaryIO, position: int) -> str:
    """The line and value of the byte there."""
    file.seek(0)
    line, left = 1, position
    while left > 0 and (block := file.read(min(BLOCK, left))):
        line += block.count(b"\n")
        left -= len(block)
    return f"line {line:,}, byte 0x{file.read(1).hex().upper()}"


def delimiter_of(text: TextIO, columns: Collection[str]) -> str:
    """The one that makes the most known columns of the first line."""
    try:
        line = text.readline(HEADER)
    except UnicodeError as error:
        raise TableError(f"The first row is not text: {error}.") from error

    def known(delimiter: str) -> int:
        return sum(normal(name) in columns for name in next(csv.reader([line], delimiter=delimiter), []))

    return max(DELIMITERS, key=known)


def header_of(line: list[str | TableError], columns: Collection[str]) -> list[str]:
    """The columns that the first row names. Raises TableError where it names one twice, or one that is not known."""
    names = [normal(str(cell)) for cell in line]
    while names and not names[-1]:
        names.pop()
    if not any(name in columns for name in names):
        raise TableError(f"The first row does not name the columns. {first_row(columns)}")
    if "" in names:
        raise TableError(f"Column {names.index('') + 1} of the first row has no name.")
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise TableError(f"{listed('column', twice)} named more than once.")
    if unknown := [name for name in names if name not in columns]:
        raise TableError(f"{listed('column', unknown)} not known.{meant(unknown, columns)} {first_row(columns)}")
    return names


def normal(name: str) -> str:
    """A column's name however typed: `Lead status` is `lead_status`."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def listed(noun: str, names: list[str]) -> str:
    quoted = ", ".join(f"“{name[:50]}”" for name in names[:10])
    return f"The {noun} {quoted} is" if len(names) == 1 else f"The {noun}s {quoted} are"


def meant(unknown: list[str], columns: Collection[str]) -> str:
    close = [match for name in unknown[:10] for match in get_close_matches(name[:50], columns, 1)]
    return f" Did you mean {' and '.join(f'“{name}”' for name in close)}?" if close else ""


def first_row(columns: Collection[str]) -> str:
    return f"The first row names columns out of these: {', '.join(columns)}."
