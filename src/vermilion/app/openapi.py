"""`python -m vermilion.app.openapi [FILE]`: the API's description, from which the web app's client is generated.

The described routes are left out: the web app speaks the house's own, and the served document has both.
"""

import json
from typing import Any

from vermilion import dialects
from vermilion.app.assembly import assemble
from vermilion.kit import write_out

REFERENCE = "#/components/schemas/"


def described() -> str:
    """The OpenAPI document as text, the same for the same code."""
    document = without_tag(assemble(max_upload_bytes=1).openapi(), dialects.TAG)
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def without_tag(document: dict[str, Any], tag: str) -> dict[str, Any]:
    """The document without the operations of this tag, and without the shapes that only they spoke of."""
    paths = {
        path: kept
        for path, methods in document["paths"].items()
        if (kept := {method: told for method, told in methods.items() if tag not in told.get("tags", ())})
    }
    schemas = document["components"]["schemas"]
    needed: set[str] = set()
    waiting: list[Any] = [paths]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, str) and value.startswith(REFERENCE):
            name = value.removeprefix(REFERENCE)
            if name in schemas and name not in needed:
                needed.add(name)
                waiting.append(schemas[name])
    kept_schemas = {name: shape for name, shape in schemas.items() if name in needed}
    return {**document, "paths": paths, "components": {**document["components"], "schemas": kept_schemas}}


if __name__ == "__main__":
    write_out(described())
