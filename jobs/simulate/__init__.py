"""Playing conversations: the user simulators and the loop that lets them talk to an assistant."""
