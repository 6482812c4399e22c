"""How figures go from night to night: recorded when a run closes, read back with shifts, alarms and a forecast."""
