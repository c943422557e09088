"""A progress bar for commands: on a terminal, one line that is drawn over; elsewhere, silence."""

from typing import TextIO

WIDTH = 30  # characters


class Progress:
    """Counts up to `total` of `unit`.

    >>> with Progress(200, "leads", sys.stderr) as progress:
    ...     progress.advance(50)
    [#######.......................] 50/200 leads
    """

    def __init__(self, total: int, unit: str, stream: TextIO) -> None:
        self.total, self.unit, self.stream = total, unit, stream
        self.done = 0

    def advance(self, count: int) -> None:
        self.done += count
        if self.stream.isatty():
            bar = ("#" * (WIDTH * self.done // self.total)).ljust(WIDTH, ".")
            self.stream.write(f"\r[{bar}] {self.done:,}/{self.total:,} {self.unit}")
            self.stream.flush()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if self.done and self.stream.isatty():
            self.stream.write("\n")
