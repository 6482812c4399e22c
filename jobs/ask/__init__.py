"""Live threads: people talk with an assistant, and every exchange is kept as a conversation."""
