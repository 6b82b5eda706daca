"""Reading a page in a test: its words and its elements."""

from html.parser import HTMLParser
from typing import Any


class Text(HTMLParser):
    """The words of a page, with spaces joined; and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.nodes: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.all = " ".join("".join(self.nodes).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.nodes.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def page(client: Any, url: str, status: int = 200) -> Text:
    reply = client.get(url)
    assert reply.status_code == status
    return Text(reply.content.decode())
