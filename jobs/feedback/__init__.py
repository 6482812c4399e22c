"""What people say of the assistant: recorded once, counted honestly, forgotten on demand."""
