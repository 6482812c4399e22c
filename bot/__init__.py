"""The Slack edge: it translates between Slack and the work in `jobs`."""
