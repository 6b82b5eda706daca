"""The list of page kinds is complete, so that what looks at all pages looks at all pages."""

import string

from django.urls import get_resolver, resolve

from tests import pages_of_the_site as site


class Numbers(dict):
    """A number for every name in a path."""

    def __missing__(self, name):
        return "1"


def named_addresses(resolver):
    """Collect the names of all addresses but those of the admin, whose pages are Django's."""
    names = set()
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            names |= set() if pattern.namespace == "admin" else named_addresses(pattern)
        elif pattern.name:
            names.add(pattern.name)
    return names


def test_every_address_has_a_kind_of_page_or_a_reason():
    paths = [string.Formatter().vformat(kind.path, (), Numbers()) for kind in site.KINDS]
    found = [path.partition("?")[0] for path in paths if "999999" not in path]
    shown = {resolve(path).url_name for path in found}
    assert named_addresses(get_resolver()) == shown | set(site.NO_PAGE)
    assert not shown & set(site.NO_PAGE)


def test_no_two_kinds_of_page_have_one_name():
    names = [kind.name for kind in site.KINDS]
    assert len(names) == len(set(names))
