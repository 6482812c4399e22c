"""The pizza shop and the other desks behind the demo connector: what each is told, what it hears, what it says."""
