"""The text of an inline token of markdown-it."""

from markdown_it.token import Token


def words(token: Token) -> str:
    """Return what an inline token says, without its markup."""
    if token.type in ("softbreak", "hardbreak"):
        return " "
    return token.content or str(token.meta.get("text", ""))
