"""Numbers with their nouns."""

from crm.formats import number


def counted(count: int, what: str) -> str:
    return f"{number(count)} {what}" if count == 1 else f"{number(count)} {what}s"
