"""Look for anything in the database that is not as it was saved."""

from typing import Any

from wiki import integrity
from wiki.management.base import HouseCommand


class Command(HouseCommand):
    help = "Check every hash, head, tag, link and cached page; exit 1 if anything is wrong."

    def run(self, options: dict[str, Any]) -> tuple[dict[str, Any], str]:
        report = integrity.verify()
        sentences = [f"{problem.check}: {problem.message}" for problem in report.problems]
        checked = ", ".join(f"{count} {what}" for what, count in report.checked.items() if count)
        outcome = "No problem found" if report.ok else f"{len(report.problems)} problems found"
        sentences.append(f"{outcome}; checked {checked or 'an empty database'}.")
        if report.unused_files:
            sentences.append(f"{report.unused_files} files are kept that no note has any more.")
        return report.as_json(), "\n".join(sentences)
