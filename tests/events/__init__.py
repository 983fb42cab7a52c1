"""The event log and its streams."""
