"""A/B tests: results in, an answer with its uncertainty out; nothing is imported before a command needs it."""
