"""The wiki app: notes, tags, revisions, search. It needs no mlhooks."""
