"""Reading a page in a test: its words and its elements."""

from html.parser import HTMLParser
from typing import Any


class Text(HTMLParser):
    """The words of a page, with spaces joined; and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.nodes: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._links: list[tuple[dict[str, str | None], list[str]]] = []
        self._is_in_link = False
        self.feed(html)
        self.all = " ".join("".join(self.nodes).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "a":
            self._links.append((dict(attrs), []))
            self._is_in_link = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._is_in_link = False

    def handle_data(self, data: str) -> None:
        self.nodes.append(data)
        if self._is_in_link:
            self._links[-1][1].append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    def links(self) -> list[tuple[dict[str, str | None], str]]:
        """Return each link with its words."""
        return [(attrs, " ".join("".join(nodes).split())) for attrs, nodes in self._links]


def page(client: Any, url: str, status: int = 200) -> Text:
    reply = client.get(url)
    assert reply.status_code == status
    return Text(reply.content.decode())
