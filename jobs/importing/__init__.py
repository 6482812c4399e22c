"""Conversations that were held elsewhere: read from files, kept in the store, and written out again.

``sources`` reads them, ``keep.import_conversations`` stores them, ``written`` turns them into files; ``command`` has
the terminal's verbs.
"""
