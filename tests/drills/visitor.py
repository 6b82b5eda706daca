"""A person with a browser: keeps cookies, reads forms, sends them."""

import http.client
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

TIMEOUT_S = 30.0


class Unanswered(Exception):
    """The connection was refused, reset or cut before the whole answer was there."""


@dataclass(frozen=True)
class Reply:
    """What came back; location is the path of a redirect, else empty."""

    status: int
    location: str
    text: str = field(repr=False)

    def form(self) -> dict[str, str]:
        """Return the fields of all forms of the page, as they are shown."""
        reader = FormReader()
        reader.feed(self.text)
        return reader.fields


class FormReader(HTMLParser):
    """Collects what the inputs, text areas and selects of a page hold."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._area = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        name = said.get("name", "")
        if tag == "input" and name:
            self.fields[name] = said.get("value", "")
        elif tag == "textarea":
            self._area, self.fields[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and (
            # Without a selected option a browser takes the first.
            self._select and ("selected" in said or self._select not in self.fields)
        ):
            self.fields[self._select] = said.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # HTML drops the line end after the opening tag.
            self.fields[self._area] = self.fields[self._area].removeprefix("\n")
            self._area = ""
        elif tag == "select":
            self._select = ""


class Visitor:
    """One session with the site at 127.0.0.1; every request is a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def get(self, path: str) -> Reply:
        """Ask for a page. Raises Unanswered."""
        return self._request("GET", path, None)

    def send(self, path: str, fields: dict[str, str]) -> Reply:
        """Send a form with the token of this session. Raises Unanswered."""
        if "csrftoken" not in self._cookies:
            self.get("/login/")
        token = {"csrfmiddlewaretoken": self._cookies["csrftoken"]}
        return self._request("POST", path, urlencode({**fields, **token}))

    def twin(self) -> "Visitor":
        """Return another tab of the same browser."""
        twin = Visitor(self._port)
        twin._cookies = dict(self._cookies)
        return twin

    def sign_in(self, link: str) -> None:
        """Use a one-time sign-in link."""
        path = urlsplit(link).path
        assert self.get(path).status == 200
        reply = self.send(path, {})
        assert reply.status == 302, reply

    def set_first_password(self, password: str) -> None:
        """Give the account, which has none yet, a password."""
        said = {"new_password1": password, "new_password2": password}
        reply = self.send("/account/password/", said)
        assert reply.status == 302, reply

    def log_in(self, name: str, password: str) -> None:
        """Sign in by name and password."""
        reply = self.send("/login/", {"username": name, "password": password})
        assert reply.status == 302, reply

    def write_note(self, title: str, body: str) -> int:
        """Write a note through the form; return its pid."""
        fields = self.get("/notes/new/").form()
        reply = self.send("/notes/new/", {**fields, "title": title, "body": body})
        assert reply.status == 302, reply
        return int(reply.location.strip("/").rpartition("/")[2])

    def _request(self, method: str, path: str, body: str | None) -> Reply:
        headers = {"Cookie": "; ".join(f"{name}={text}" for name, text in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        for cookie in response.headers.get_all("Set-Cookie", []):
            for morsel in SimpleCookie(cookie).values():
                self._cookies[morsel.key] = morsel.value
        return Reply(response.status, response.headers.get("Location", ""), text)
