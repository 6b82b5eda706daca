"""`manage.py bench SUBJECT`: measure something on a database of its own."""

from collections.abc import Mapping

from wiki import extensions
from wiki.management.own_database import OwnDatabaseCommand


class Command(OwnDatabaseCommand):
    help = "Measure a subject on a temporary database; the site's own is not touched."
    name = "bench"

    @property
    def subjects(self) -> Mapping[str, str]:
        return extensions.benchmarks
