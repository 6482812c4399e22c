"""Alerts: rules over the figures of runs and feedback, and one incident for each figure that is out of bounds."""
