"""Folders of Markdown files as other tools keep them: Obsidian, Logseq, Jekyll, Hugo, plain ones.

What each module reads: `walking` the folder, `decoding` the bytes of a file, `front_matter`
what stands before its text, `fields` what that means for a note, `titles`, `tags`, `dates`
and `git_history` the rest. wiki.importers.formats.markdown puts them together.
"""
