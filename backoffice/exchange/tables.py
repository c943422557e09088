"""Reading uploaded tables, CSV files and XLSX workbooks: a header that names columns, then rows of text.

What kind of file it is and its delimiter are read from its bytes, not from its name. What cannot be read is named by
row and column; nothing is guessed silently: `Table.described` says how the file was read.
"""

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from io import TextIOWrapper
from itertools import islice
from typing import BinaryIO, TextIO

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.exchange.encodings import encoding_of
from backoffice.exchange.formulas import arm
from backoffice.exchange.lines import WHOLE_ROW, Line, Lines, Source, TableError, TooManyRows, UnknownColumns
from crm.db.folding import fold

HEADER = 64 * 1024  # characters, at most
BLANK = 50  # lines before the header, at most
SAMPLES = 3  # cells of a column that are shown where its meaning has to be chosen
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
PROBLEM = "import_problem"  # the column that says what is wrong in the rows that an import gives back
SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's own first line


@dataclass(slots=True)
class Row:
    """One row under the header: its number as a spreadsheet shows it, its texts and its problems by column."""

    number: int
    cells: dict[str, str] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Columns:
    """What a header may name: `names`, their `synonyms` (normalized), and those `required` of new rows.

    Each of `required` is a group of which one is enough.
    """

    names: Collection[str]
    synonyms: Mapping[str, str] = field(default_factory=dict)
    required: Collection[tuple[str, ...]] = ()

    def named_by(self, label: str) -> str:
        """The column that a label names; empty for none."""
        name = normal(label)
        return name if name in self.names else self.synonyms.get(name, "")


class Table:
    """A file's rows under the columns that its header names; it can be iterated any number of times.

    `labels` are the header as it is in the file, `header` the column that each means: by its name, a synonym, or the
    `mapping` of labels to columns (empty: not imported), which decides about all labels that it names and, where there
    is one, leaves out those that mean nothing. `undecided` are labels that mean nothing otherwise.

    Raises TableError for a file that cannot be read, and unless `is_draft` where something is undecided or missing;
    while the rows are read also for more than `max_rows` of them (0: as many as there are).
    """

    def __init__(
        self,
        file: BinaryIO,
        columns: Columns,
        *,
        mapping: Mapping[str, str] | None = None,
        encoding: str = "",
        max_rows: int = 0,
        is_draft: bool = False,
    ) -> None:
        self.source, self.columns, self.max_rows = source_of(file, columns, encoding, max_rows), columns, max_rows
        self.described, self.mapping = self.source.described, mapping or {}
        with closing(self.source.lines()) as lines:
            self.first, line = next(
                ((n, line) for n, line in enumerate(lines, 1) if not is_blank(line) or n > BLANK), (1, [])
            )
        self.labels = labels_of(line)
        self.header = [self.column_of(label) for label in self.labels]
        decided = [label for label in self.labels if label in self.mapping]
        self.undecided = [
            label
            for label, column in zip(self.labels, self.header, strict=True)
            if not column and label not in [*decided, PROBLEM] and not self.mapping
        ]
        if not is_draft:
            self.check()

    def column_of(self, label: str) -> str:
        """A label that is a column's own name takes it from those that are synonyms; of several synonyms the first."""
        if label in self.mapping:
            return self.mapping[label]
        column = self.columns.named_by(label)
        if not column or column in self.mapping.values():
            return ""
        named = [each for each in self.labels if self.columns.named_by(each) == column and each not in self.mapping]
        exact = [each for each in named if normal(each) == column]
        return column if label in (exact or named[:1]) else ""

    def check(self) -> None:
        """Raises TableError where the header has to be decided about, or lacks a column."""
        names = self.columns.names
        if wrong := [name for name in self.mapping.values() if name and name not in names]:
            raise UnknownColumns(f"{unknown(wrong)} " + _("Columns are: %(columns)s.") % {"columns": ", ".join(names)})
        if gone := [label for label in self.mapping if label not in self.labels]:
            raise UnknownColumns(
                ngettext(
                    "The column %(columns)s is not in the file.",
                    "The columns %(columns)s are not in the file.",
                    len(gone),
                )
                % {"columns": listed(gone)}
            )
        if not any(self.header):
            raise UnknownColumns(_("The first row does not name the columns."), first_row(names))
        if twice := [name for name in dict.fromkeys(self.header) if name and self.header.count(name) > 1]:
            raise TableError(
                ngettext(
                    "The column %(columns)s is named more than once.",
                    "The columns %(columns)s are named more than once.",
                    len(twice),
                )
                % {"columns": listed(twice)}
            )
        if self.undecided:
            text = f"{unknown(self.undecided)} {meant(self.undecided, names)}".rstrip()
            raise UnknownColumns(text, first_row(names))
        if missing := self.missing():
            raise UnknownColumns(
                ngettext("The column %(columns)s is missing.", "The columns %(columns)s are missing.", len(missing))
                % {"columns": listed(missing)}
            )

    def missing(self) -> list[str]:
        """The columns that new rows need and the header lacks; with a column `id` rows may be old ones."""
        groups = [] if "id" in self.header else self.columns.required
        return [group[0] for group in groups if not set(group) & set(self.header)]

    def samples(self) -> list[list[str]]:
        """Of each label, cells of the first rows."""
        with closing(self.source.lines()) as lines:
            rows = list(islice((line for line in islice(lines, self.first, None) if not is_blank(line)), SAMPLES))
        return [[str(line[place]) for line in rows if place < len(line)] for place in range(len(self.labels))]

    def __iter__(self) -> Iterator[Row]:
        for number, line in self.numbered():
            yield self.row(number, line)

    def numbered(self) -> Iterator[tuple[int, Line]]:
        """The rows as they are in the file, with their numbers."""
        rows = 0
        with closing(self.source.lines()) as lines:
            for number, line in enumerate(lines, 1):
                if number > self.first and not is_blank(line):
                    rows += 1
                    if self.max_rows and rows > self.max_rows:
                        raise TooManyRows(_("The file has more than %(rows)s rows.") % {"rows": f"{self.max_rows:,}"})
                    yield number, line

    def row(self, number: int, line: Line) -> Row:
        row = Row(number)
        if len(line) < len(self.header) or any(line[len(self.header) :]):
            text = _("Has %(cells)s cells where the header has %(columns)s.")
            row.problems[WHOLE_ROW] = [text % {"cells": len(line), "columns": len(self.header)}]
        for column, cell in zip(self.header, line, strict=False):
            if not column:
                continue
            if isinstance(cell, TableError):
                row.problems[column] = [str(cell)]
            else:
                row.cells[column] = arm(cell).replace("\r\n", "\n").replace("\r", "\n")
        return row


def source_of(file: BinaryIO, columns: Columns, encoding: str, max_rows: int) -> Source:
    """Raises TableError for a file of another kind."""
    file.seek(0)
    start = file.read(8)
    if not start:
        raise TableError(_("The file is empty."))
    if start.startswith(b"PK"):
        from backoffice.exchange.workbooks import Workbook  # openpyxl takes 6 MB

        return Workbook(file, max_rows)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise TableError(_("This is a workbook of the old kind (.xls). Save it as .xlsx or as CSV."))
    return TextFile(file, columns, encoding)


class TextFile:
    """A CSV file (RFC 4180), whichever delimiter separates its cells; Excel's line `sep=;` may be its first."""

    def __init__(self, file: BinaryIO, columns: Columns, encoding: str = "") -> None:
        self.file = file
        self.encoding, name = encoding_of(file, encoding)
        with self.text() as text:
            try:
                first = text.readline(HEADER)
                self.has_separator_line = bool(found := SEPARATOR.fullmatch(first))
                if found and found[1] in DELIMITERS:
                    self.delimiter = found[1]
                else:
                    self.delimiter = delimiter_of(text.readline(HEADER) if found else first, text, columns)
            except UnicodeError as error:
                raise TableError(_("The first row is not text: %(error)s.") % {"error": error}) from error
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
            if self.has_separator_line:
                text.readline(HEADER)  # which spreadsheets do not show or count
            reader = csv.reader(text, delimiter=self.delimiter, strict=True)
            number = 0
            while True:
                number += 1
                try:
                    yield list(next(reader))
                except StopIteration:
                    return
                except csv.Error as error:
                    raise TableError(
                        _("Row %(row)s (line %(line)s): %(error)s.")
                        % {"row": f"{number:,}", "line": f"{reader.line_num:,}", "error": error}
                    ) from error
                except UnicodeError as error:
                    raise TableError(
                        _("Row %(row)s is not text: %(error)s.") % {"row": f"{number:,}", "error": error}
                    ) from error


def delimiter_of(first: str, text: TextIO, columns: Columns) -> str:
    """The one that makes the most known columns, then the most cells, of the first line that is not blank."""
    line, blank = first, 0
    while line and not line.strip("\r\n \"',;|\t") and blank < BLANK:
        line, blank = text.readline(HEADER), blank + 1

    def known(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([line], delimiter=delimiter), [])
        return sum(bool(columns.named_by(name)) for name in cells), len(cells)

    return max(DELIMITERS, key=known)


def is_blank(line: Line) -> bool:
    return not any(isinstance(cell, TableError) or cell.strip() for cell in line)


def labels_of(line: Line) -> list[str]:
    """The header's cells, each one different and none of them empty."""
    texts = [" ".join(str(cell).split()) for cell in line]
    while texts and not texts[-1]:
        texts.pop()
    labels: list[str] = []
    for number, text in enumerate(texts, 1):
        label = text or f"column {number}"
        while label in labels:
            label += " (again)"
        labels.append(label)
    return labels


def normal(name: str) -> str:
    """A column's name however typed: `Lead status` is `lead_status`, `E-Mail` and `Téléphone` e_mail and telephone."""
    return re.sub(r"[\W_]+", "_", fold(name.replace("#", " number "))).strip("_")


def listed(names: list[str]) -> str:
    return ", ".join(f"“{name[:50]}”" for name in names[:10])


def unknown(names: list[str]) -> str:
    text = ngettext("The column %(columns)s is not known.", "The columns %(columns)s are not known.", len(names))
    return text % {"columns": listed(names)}


def meant(unknown: list[str], columns: Collection[str]) -> str:
    close = [match for name in unknown[:10] for match in get_close_matches(normal(name)[:50], columns, 1)]
    names = _(" and ").join(f"“{name}”" for name in close)
    return _("Did you mean %(columns)s?") % {"columns": names} if close else ""


def first_row(columns: Collection[str]) -> str:
    return _("The first row names columns out of these: %(columns)s.") % {"columns": ", ".join(columns)}
