"""A page's form as a browser would send it back."""

from html.parser import HTMLParser


class _Form(HTMLParser):
    """The named controls of the form with the given id, and their values."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.inside = form_id, False
        self.values: dict[str, str] = {}
        self.select = self.textarea = ""

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        name, value = attributes.get("name", ""), attributes.get("value") or ""
        if tag == "form":
            self.inside = attributes.get("id") == self.form_id
        elif not self.inside:
            return
        elif tag == "input" and attributes.get("type") not in ("submit", "file"):
            if attributes.get("type") not in ("checkbox", "radio") or "checked" in attributes:
                self.values[name] = value or ("on" if attributes.get("type") == "checkbox" else "")
        elif tag == "select":
            self.select = name
            self.values[name] = ""
        elif tag == "option" and "selected" in attributes:
            self.values[self.select] = value
        elif tag == "textarea":
            self.textarea = name
            self.values[name] = ""

    def handle_data(self, data):
        if self.textarea:
            self.values[self.textarea] += data.removeprefix("\n").removeprefix("\r\n")

    def handle_endtag(self, tag):
        if tag == "textarea":
            self.textarea = ""
        elif tag == "form":
            self.inside = False


def form_of(response, form_id: str) -> dict[str, str]:
    parser = _Form(form_id)
    parser.feed(response.content.decode())
    return parser.values


def send_form(client, path: str, form_id: str, **changes: str):
    """Open the page, fill in `changes` and send the form."""
    return client.post(path, {**form_of(client.get(path), form_id), **changes})
