"""What a file of any kind is read as: lines of cells, each a text or the reason why it cannot be read."""

from collections.abc import Generator
from typing import Protocol

MAX_COLUMNS = 100
WHOLE_ROW = ""  # the column of a problem that concerns the row as a whole


class TableError(Exception):
    """The file as a whole, or a cell of it, cannot be read. The message is for the user who uploaded it."""


class TooManyRows(TableError):
    pass


class UnknownColumns(TableError):
    """The user has to say what columns of the file mean: `text` says which, the hint how they could be named."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(f"{text} {hint}".strip())
        self.text = text


Line = list[str | TableError]
Lines = Generator[Line, None, None]


class Source(Protocol):
    """A file of one kind; `described` says how it was read."""

    described: str

    def lines(self) -> Lines: ...
