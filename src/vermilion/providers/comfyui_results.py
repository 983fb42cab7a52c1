"""What a finished job at a ComfyUI server made: the files its history names, and what it tells of the run."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from vermilion.providers.comfyui_errors import failed_run
from vermilion.providers.contract import Done, MediaKind, Output, Ticket
from vermilion.providers.errors import Broke, Drifted

_KINDS: dict[str, MediaKind] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "gif", "avif"), "image"),
    **dict.fromkeys(("mp4", "webm", "mov"), "video"),
    **dict.fromkeys(("mp3", "wav", "m4a"), "audio"),
}
_MEMBERS = ("images", "gifs", "videos", "video", "audio")
"""Under which names nodes tell their files: core ones, and those that make videos."""


def read_entry(entry: Any, ticket: Ticket, base_url: str) -> Done:
    """The results of a history entry, in the order of its nodes; raises what went wrong with the job instead.

    Files that a node saved come before those it only showed, and those of the kind the model makes before others.
    """
    if not isinstance(entry, Mapping):
        raise Drifted("ComfyUI's history of the job is no object.", vendor_message=str(entry)[:200])
    status = entry.get("status")
    status = status if isinstance(status, Mapping) else {}
    messages = status.get("messages")
    messages = messages if isinstance(messages, list) else []
    match status.get("status_str"):
        case "error":
            failure = failed_run(messages, _workflow_in(entry))
            raise failure or Drifted("ComfyUI says that the job failed, and not how.", vendor_message=str(status)[:200])
        case "success":
            pass
        case word:
            raise Drifted("ComfyUI names a status this house does not know.", vendor_message=str(word)[:200])
    outputs = entry.get("outputs")
    if not isinstance(outputs, Mapping):
        raise Drifted("ComfyUI's history has no outputs.", vendor_message=str(entry)[:200])
    files = _chosen(list(_files_in(outputs)), ticket.data.get("makes"))
    if not files:
        if any(isinstance(ui, Mapping) and ui and not set(ui) & {*_MEMBERS, "text"} for ui in outputs.values()):
            raise Drifted(
                "ComfyUI's results are under names this house does not know.", vendor_message=str(outputs)[:200]
            )
        if (other := _first_name(outputs)) is not None:
            raise Broke(f"The workflow saved no file of a kind that is kept here, but {other}.", again=False)
        raise Broke("The workflow ran and saved nothing.", again=False)
    made = tuple(Output(kind, url=f"{base_url}/view?{urlencode(file)}") for kind, file in files)
    return Done(made, {**_seed_of(ticket), **_seconds_of(messages)})


def ended_how(entry: Any) -> str:
    """`success`, `interrupted` or `error`: how a job in history ended, without a word about why."""
    status = entry.get("status") if isinstance(entry, Mapping) else None
    status = status if isinstance(status, Mapping) else {}
    if status.get("status_str") == "success":
        return "success"
    messages = status.get("messages")
    names = (
        [message[0] for message in messages if isinstance(message, list) and message]
        if isinstance(messages, list)
        else []
    )
    return "interrupted" if "execution_interrupted" in names else "error"


def _files_in(outputs: Mapping[str, Any]) -> Iterator[tuple[MediaKind, dict[str, str]]]:
    """Every file, once: its kind, and how it is named to the server."""
    seen: set[tuple[str, ...]] = set()
    for node_id in sorted(outputs, key=_node_order):
        ui = outputs[node_id]
        for member in _MEMBERS if isinstance(ui, Mapping) else ():
            items = ui.get(member)
            for item in items if isinstance(items, list) else ():
                if not isinstance(item, Mapping) or not isinstance(item.get("filename"), str):
                    continue
                file = {
                    "filename": item["filename"],
                    "subfolder": str(item.get("subfolder") or ""),
                    "type": str(item.get("type") or "output"),
                }
                kind = _KINDS.get(file["filename"].rpartition(".")[2].lower())
                if kind is not None and tuple(file.values()) not in seen:
                    seen.add(tuple(file.values()))
                    yield kind, file


def _first_name(outputs: Mapping[str, Any]) -> str | None:
    """The first file that is told of, whatever its kind."""
    for node_id in sorted(outputs, key=_node_order):
        ui = outputs[node_id]
        for items in ui.values() if isinstance(ui, Mapping) else ():
            for item in items if isinstance(items, list) else ():
                if isinstance(item, Mapping) and isinstance(item.get("filename"), str):
                    return str(item["filename"])[:120]
    return None


def _chosen(files: list[tuple[MediaKind, dict[str, str]]], makes: Any) -> list[tuple[MediaKind, dict[str, str]]]:
    saved = [(kind, file) for kind, file in files if file["type"] == "output"] or files
    return [(kind, file) for kind, file in saved if kind == makes] or saved


def _node_order(node_id: str) -> tuple[int, str]:
    """Nodes by number; those of nested workflows, whose ids are no numbers, after them."""
    return (int(node_id), "") if node_id.isdigit() and len(node_id) < 10 else (10**10, node_id)


def _workflow_in(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    prompt = entry.get("prompt")
    workflow = prompt[2] if isinstance(prompt, list) and len(prompt) > 2 else None
    return workflow if isinstance(workflow, Mapping) else {}


def _seed_of(ticket: Ticket) -> dict[str, Any]:
    seed = ticket.data.get("seed")
    return {"seed": seed} if isinstance(seed, int) else {}


def _seconds_of(messages: list[Any]) -> dict[str, float]:
    """How long it ran, by the server's own clock."""
    at = {
        str(message[0]): message[1].get("timestamp")
        for message in messages
        if isinstance(message, list) and len(message) == 2 and isinstance(message[1], Mapping)
    }
    began, ended = at.get("execution_start"), at.get("execution_success")
    if not isinstance(began, int) or not isinstance(ended, int) or ended < began:
        return {}
    return {"inference_seconds": round((ended - began) / 1000, 2)}
