"""The engine: who drives a row, and what happens when it stops."""
