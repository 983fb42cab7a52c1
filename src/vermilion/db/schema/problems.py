"""What can be wrong with a schema, in a sentence that says what to do."""


class SchemaProblem(Exception):
    """Something expected stands in the way; the message is one line for the person at the terminal."""
