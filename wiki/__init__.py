"""The house: notes, tags, revisions, search. It stands without mlhooks."""
