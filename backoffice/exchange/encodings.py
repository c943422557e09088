"""Which encoding a text file has. UTF-8 and UTF-16 show in the bytes; of all others a person has to say which it is.

Encodings of one byte a character look alike, so nothing is guessed: `candidates` reads the file in each one that the
bytes allow, and shows lines of it.
"""

import codecs
import hashlib
from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext as _

from backoffice.exchange.lines import TableError

BLOCK = 256 * 1024  # bytes
SAMPLES, LONGEST = 3, 120  # lines of a candidate, characters of a line
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
UTF_8 = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with a byte order mark", "utf-16": "UTF-16"}
ENCODINGS = {
    "cp1252": "Windows-1252, Western European",
    "cp1250": "Windows-1250, Central European",
    "cp1251": "Windows-1251, Cyrillic",
    "cp1253": "Windows-1253, Greek",
    "cp1254": "Windows-1254, Turkish",
    "cp1257": "Windows-1257, Baltic",
    "cp1255": "Windows-1255, Hebrew",
    "cp1256": "Windows-1256, Arabic",
    "cp850": "DOS 850, Western European",
    "mac_roman": "Mac OS Roman",
    "cp932": "Shift JIS, Japanese",
    "gb18030": "GB 18030, simplified Chinese",
    "big5": "Big5, traditional Chinese",
    "cp949": "EUC-KR, Korean",
}


@dataclass(frozen=True)
class Candidate:
    """An encoding that the bytes allow: Python's name, a common name, and lines of the file as it reads them."""

    encoding: str
    name: str
    sample: list[str]


class UnknownEncoding(TableError):
    """The file is not Unicode. One of the `candidates` has to be chosen."""

    def __init__(self, candidates: list[Candidate]) -> None:
        self.candidates = candidates
        names = ", ".join(f"{each.encoding} ({each.name})" for each in candidates)
        text = _("The file is not UTF-8, and its bytes do not tell its encoding. Choose one of: %(names)s.")
        super().__init__(text % {"names": names})


def encoding_of(file: BinaryIO, chosen: str = "") -> tuple[str, str]:
    """Python's name for the file's encoding, and its common name; of the `chosen` one if it is given.

    Raises UnknownEncoding where one has to be chosen, and TableError, which names the line, where the file is not in
    the chosen one, or holds good UTF-8 before a bad byte.
    """
    if chosen:
        return check_chosen(file, chosen)
    file.seek(0)
    start = file.read(4)
    if start.startswith(UTF_16):
        return "utf-16", UTF_8["utf-16"]
    has_bom = start.startswith(codecs.BOM_UTF8)
    bad, is_multibyte = first_bad_byte(file)
    if bad is None:
        encoding = "utf-8-sig" if has_bom else "utf-8"
        return encoding, UTF_8[encoding]
    if has_bom or is_multibyte:
        text = _("The file is UTF-8, except in %(place)s. Save it as UTF-8 and try again.")
        raise TableError(text % {"place": place(file, bad)})
    raise UnknownEncoding(candidates(file))


def check_chosen(file: BinaryIO, chosen: str) -> tuple[str, str]:
    known = {**UTF_8, **ENCODINGS}
    if chosen not in known:
        text = _("The encoding “%(encoding)s” is not known. Choose one of: %(names)s.")
        raise TableError(text % {"encoding": chosen[:50], "names": ", ".join(known)})
    if digest(file, chosen) is None:
        raise TableError(_("The file is not in %(encoding)s.") % {"encoding": known[chosen]})
    return chosen, known[chosen]


def candidates(file: BinaryIO) -> list[Candidate]:
    """The encodings that the bytes allow, one for each different text, in the order in which they are common.

    Those that read letters where others read signs come first: an order to look at, and no choice.
    """
    lines = lines_beyond_ascii(file)
    texts: dict[str, str] = {}
    for encoding in ENCODINGS:
        if (text := digest(file, encoding)) is not None:
            texts.setdefault(text, encoding)
    found = [
        Candidate(encoding, ENCODINGS[encoding], [line.decode(encoding, "replace")[:LONGEST] for line in lines])
        for encoding in texts.values()
    ]
    return sorted(found, key=lambda each: -letters_beyond_ascii(each.sample))


def letters_beyond_ascii(lines: list[str]) -> float:
    """The share of letters among the characters beyond ASCII; capitals inside of words count as signs."""
    beyond = letters = 0
    for line in lines:
        for before, char in zip(f" {line}", line, strict=False):
            if not char.isascii():
                beyond += 1
                letters += char.isalpha() and not (char.isupper() and before.islower())
    return round(letters / beyond, 1) if beyond else 0


def lines_beyond_ascii(file: BinaryIO) -> list[bytes]:
    """The first lines with a byte beyond ASCII."""
    file.seek(0)
    found: list[bytes] = []
    while len(found) < SAMPLES and (line := file.readline(BLOCK)):
        if not line.isascii():
            found.append(line.strip())
    return found


def digest(file: BinaryIO, encoding: str) -> str | None:
    """Of the file's text in that encoding; None where the bytes do not allow it."""
    file.seek(0)
    decoder, text = codecs.getincrementaldecoder(encoding)(), hashlib.sha256()
    while True:
        block = file.read(BLOCK)
        try:
            text.update(decoder.decode(block, final=not block).encode("utf-8", "surrogatepass"))
        except UnicodeError:
            return None
        if not block:
            return text.hexdigest()


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
    byte = f"0x{file.read(1).hex().upper()}"
    return _("line %(line)s, byte %(byte)s") % {"line": f"{line:,}", "byte": byte}
