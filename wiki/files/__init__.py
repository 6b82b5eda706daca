"""Files of notes: what they are by their bytes, where they lie, small pictures of large ones.

Nothing here knows notes or rows; wiki.models.attachment does.
"""
