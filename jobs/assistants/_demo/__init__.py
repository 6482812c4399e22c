"""The pizza shop behind the demo connector: what it is told (shop), what it hears, what it says."""
