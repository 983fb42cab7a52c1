"""Where jobs stand in a ComfyUI server's queue, as `GET /queue` tells it."""

from dataclasses import dataclass
from typing import Any

from vermilion.providers.contract import Pending
from vermilion.providers.errors import Drifted


@dataclass(frozen=True, slots=True)
class Standing:
    """One job in the queue; `ahead` counts those that are before it, the running one among them."""

    prompt_id: str
    running: bool
    ahead: int
    workflow: Any
    client_id: str | None
    outputs: tuple[str, ...]

    def pending(self) -> Pending:
        """The same as the pipeline reads it."""
        return Pending(self.running, queue_position=None if self.running else self.ahead)


def read_queue(body: Any) -> list[Standing]:
    """Everybody in the queue, next first; raises `Drifted` when it is not what ComfyUI answers."""
    if not isinstance(body, dict):
        raise Drifted("ComfyUI's queue is no object.", vendor_message=str(body)[:200])
    running, pending = body.get("queue_running"), body.get("queue_pending")
    if not isinstance(running, list) or not isinstance(pending, list):
        raise Drifted("ComfyUI's queue has not the members it should.", vendor_message=str(body)[:200])
    for item in (*running, *pending):
        if not isinstance(item, list) or len(item) < 3 or not isinstance(item[0], int | float):
            raise Drifted("An item of ComfyUI's queue has another shape.", vendor_message=str(item)[:200])
    # It is told as a heap lies in memory.
    waiting = sorted(pending, key=lambda item: float(item[0]))
    return [_standing(item, running=True, ahead=0) for item in running] + [
        _standing(item, running=False, ahead=len(running) + place) for place, item in enumerate(waiting)
    ]


def _standing(item: list[Any], *, running: bool, ahead: int) -> Standing:
    extra = item[3] if len(item) > 3 and isinstance(item[3], dict) else {}
    outputs = item[4] if len(item) > 4 and isinstance(item[4], list) else []
    client = extra.get("client_id")
    return Standing(
        prompt_id=str(item[1]),
        running=running,
        ahead=ahead,
        workflow=item[2],
        client_id=client if isinstance(client, str) else None,
        outputs=tuple(str(output) for output in outputs),
    )
