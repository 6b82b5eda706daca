"""The sentences of the search page: how many notes were found, and what a query did wrong."""

from django.conf import settings

from wiki import extensions
from wiki.models.visibility import NoteType
from wiki.search.conditions import ProblemKind
from wiki.search.fusion import Mode
from wiki.search.query import MAX_OPERATORS, MAX_QUERY_LENGTH, Problem
from wiki.search.results_page import ResultsPage

DATE = "write a date such as 2021, 2021-08 or 2021-08-05."
PROBLEMS = {
    ProblemKind.TOO_LONG: (
        f"Only the first {MAX_QUERY_LENGTH:,} characters were looked for. Ask for fewer words."
    ),
    ProblemKind.TOO_MANY_OPERATORS: (
        f"Only the first {MAX_OPERATORS} operators and phrases narrow the notes. Ask for fewer."
    ),
    ProblemKind.ONLY_STOP_WORDS: (
        "These words are in nearly every text, so nothing can be found by them. Add one "
        "that says what you are looking for."
    ),
    ProblemKind.UNKNOWN_TYPE: f"the types are {', '.join(NoteType.values)}.",
    ProblemKind.UNKNOWN_VISIBILITY: "write is:private or is:public.",
    ProblemKind.UNKNOWN_FEATURE: "write has:math for notes with formulas.",
    ProblemKind.UNKNOWN_PLACE: "write in:title for words that stand in the title.",
    ProblemKind.UNKNOWN_MEANING: "write meaning:off to search by words only.",
    ProblemKind.NO_DATE: DATE,
}


def problem_sentence(problem: Problem) -> str:
    """Say what could not be understood, and how to write it."""
    sentence = PROBLEMS[problem.kind]
    return f"“{problem.operator}”: {sentence}" if problem.operator else sentence


def count_sentence(page: ResultsPage) -> str:
    """Say how many notes were found, and by what; "" if nothing was asked."""
    found = page.retrieval
    if page.query.is_empty and not found.total:
        return ""
    if found.nothing_relevant:
        return f"Nothing is close to this.{' These are the nearest.' if found.hits else ''}"
    if found.mode is Mode.SEMANTIC:
        return "" if found.unavailable else f"{_notes(found.total)} by meaning, the nearest first."
    if not found.semantic_only:
        return _lexical_sentence(page)
    are = "is" if found.semantic_only == 1 else "are"
    near = "near by meaning" if page.with_weak else "close by meaning"
    if not found.lexical_total:
        return f"{_notes(found.semantic_only)} {are} {near}."
    lexical = _lexical_sentence(page).removesuffix(".")
    return f"{lexical}; {found.semantic_only:,} more {are} {near}."


def language_sentence() -> str:
    """Say whose endings are ignored, and where that is set; then what the rankers understand."""
    language = settings.WIKI_LANGUAGE
    if language == "simple":
        endings = "Words are found only as they are written, whatever their case and accents."
    else:
        endings = (
            f"Endings are ignored as in {language.capitalize()}, so one form of a word finds the "
            "others; words of other languages are found as they are written."
        )
    setting = "The setting WIKI_LANGUAGE chooses the language."
    return " ".join([endings, setting, *(note() for note in extensions.about_rankers)])


def _lexical_sentence(page: ResultsPage) -> str:
    total, query = page.retrieval.lexical_total, page.query
    parts, count = query.parts(), _notes(total)
    has = "has" if total < 2 else "have"
    if page.retrieval.is_phrase_relaxed and total:
        return f"No note has these words in this order; {count} {has} at least one of them."
    if not parts:
        return f"{count} {'fits' if total < 2 else 'fit'}."
    if query.phrases:
        return f"{count} {has} the words in quotes in this order."
    if len(parts) > 1:
        return f"{count} {has} at least one of these words."
    if query.prefix_lexemes:
        return f"{count} {has} a word that begins so."
    return f"{count} {has} this word."


def _notes(count: int) -> str:
    return "No note" if not count else "1 note" if count == 1 else f"{count:,} notes"
