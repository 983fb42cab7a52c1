"""A model as an admin makes it: the document that is sent."""

from typing import Any


def own_model(model_id: str, **changes: Any) -> dict[str, Any]:
    """The least there must be of one, with these changes."""
    return {
        "id": model_id,
        "provider": "fal",
        "endpoint": "fal-ai/flux/schnell",
        "makes": "image",
        "name": {"en": "Neon", "zh": "霓虹"},
        "about": {"en": "Signs at night.", "zh": "夜里的招牌。"},
        "prompt": {"max_chars": 1000},
        "price": {"per_output_credits": 1},
        "typical_seconds": 5,
        "deadline_seconds": 600,
        **changes,
    }
