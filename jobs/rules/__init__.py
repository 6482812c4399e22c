"""Rules: what must hold of a conversation, of every pair, or of all of them; nothing is imported before it is needed.

``files.load_rules`` reads them, ``check.check_rules`` holds them against conversations.
"""
