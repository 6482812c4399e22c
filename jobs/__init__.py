"""The work: simulating, scoring, comparing and learning; it does not know that Slack exists."""
