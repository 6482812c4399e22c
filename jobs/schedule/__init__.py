"""What happens by itself at its hour: schedules, and the use cases that can be scheduled."""
