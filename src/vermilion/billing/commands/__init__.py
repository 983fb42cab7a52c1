"""The verbs of billing: each is a function on the caller's transaction."""
