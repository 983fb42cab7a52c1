"""ComfyUI's failures in the house's words: what a node finds wrong, what broke while it ran, what a proxy says.

ComfyUI answers `{"error": {type, message, details, extra_info}, "node_errors": {id: {errors, class_type}}}` to a
workflow it does not take, and nothing else of its own; every other refusal comes from something in front of it.
Facts: `server.py`, `execution.py`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from vermilion.providers.comfyui_graph import as_link
from vermilion.providers.comfyui_render import Rendered, title_of
from vermilion.providers.contract import JsonObject
from vermilion.providers.errors import (
    Ambiguous,
    Broke,
    Drifted,
    Misconfigured,
    NotInstalled,
    ProviderError,
    Rejected,
    Throttled,
    Unreachable,
)
from vermilion.providers.wire import Answer

TOLD_MAX = 3
"""How many of a workflow's problems are told; the first ones usually cause the others."""

_OF_THE_VALUE = {"value_smaller_than_min", "value_bigger_than_max", "invalid_input_type", "custom_validation_failed"}
"""What another value of the person's own would mend, where the input carries one."""

_READS_FILES = {"LoadImage", "LoadImageMask", "LoadImageOutput", "LoadAudio", "LoadVideo", "VHS_LoadVideo"}
_NODE_ID = re.compile(r"#([^'\"\s]{1,80})")
_PASSING = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "TimeoutError", "ServerDisconnected")
_EMPTY_BODY_MEANS_GUARD = 403


def refused_prompt(answer: Answer, rendered: Rendered) -> ProviderError:
    """Why a workflow was not taken, or `Ambiguous` where its answer was lost on the way."""
    if (usual := about_the_door(answer)) is not None:
        return usual
    body = _json_of(answer)
    error, node_errors = body.get("error"), body.get("node_errors")
    if answer.status == 400 and isinstance(error, Mapping):
        return _not_taken(error, node_errors if isinstance(node_errors, Mapping) else {}, rendered)
    if answer.status == 413:
        return Rejected("The server does not take a request this large.", vendor_message=answer.text(200))
    if answer.status == 408:
        return Unreachable("The server did not hear the whole request and took nothing.")
    if answer.status < 500:
        return Misconfigured(f"The server answered {answer.status}, and not in ComfyUI's words.")
    if answer.status == 503 or answer.status in {521, 522, 523}:
        return Unreachable(f"The server answered {answer.status} and took nothing.")
    if answer.status == 500:
        # ComfyUI's own: it stumbled while it read the workflow, and nothing stands in its queue.
        return Broke("ComfyUI failed while it took the workflow.", vendor_message=answer.text(200))
    return Ambiguous(f"Something in front of ComfyUI answered {answer.status}; the job may have been accepted.")


def incomplete(node_errors: Mapping[str, Any], rendered: Rendered) -> ProviderError:
    """Why a workflow that would run only in part is not wanted."""
    return _of_nodes(node_errors, rendered) or NotInstalled("ComfyUI would run only a part of the workflow.")


def unanswered(answer: Answer) -> ProviderError:
    """Why a harmless question got no answer."""
    if (usual := about_the_door(answer)) is not None:
        return usual
    if answer.status >= 500 or answer.status == 408:
        return Unreachable(f"The server answered {answer.status}.", retry_after_seconds=answer.retry_after_seconds)
    return Drifted(f"The server answered {answer.status} to a question.", vendor_message=answer.text(200))


def not_uploaded(answer: Answer) -> ProviderError:
    """Why a file was not taken; no job exists yet."""
    if answer.status in {400, 413, 415}:
        return Rejected("ComfyUI does not take this input file.", vendor_message=answer.text(200))
    problem = unanswered(answer)
    known = isinstance(problem, Misconfigured | Throttled)
    return problem if known else Unreachable(f"ComfyUI did not take an input file: {answer.status}.")


def failed_run(messages: list[Any], workflow: JsonObject) -> ProviderError | None:
    """How a job ended badly, by the events its history keeps; None where they do not say."""
    told = {str(message[0]): message[1] for message in messages if isinstance(message, list) and len(message) == 2}
    if "execution_interrupted" in told:
        return Broke("Somebody stopped it at the server.", again=False)
    about = told.get("execution_error")
    if not isinstance(about, Mapping):
        return None
    kind, words = str(about.get("exception_type", "")), str(about.get("exception_message", "")).strip()
    node_id, node_type = str(about.get("node_id", "")), str(about.get("node_type", ""))
    where = f"“{title_of(workflow, node_id)}” (node {node_id})"
    said = f"{kind}: {words}" if words else kind
    if is_out_of_memory(said):
        return Broke(f"The graphics card's memory ran out at {where}.", vendor_message=said)
    if kind.rpartition(".")[2].startswith("ExecutionBlock"):
        return Rejected(f"The workflow itself stopped at {where}.", vendor_message=words or kind)
    if node_type in _READS_FILES:
        return Rejected(f"The file given to {where} could not be read.", vendor_message=said)
    passing = any(word in kind for word in _PASSING)
    return Broke(f"{where} failed while it ran.", vendor_message=said, again=passing)


def is_out_of_memory(said: str) -> bool:
    """Whether a failure is for want of the graphics card's memory, by the exception's name and words."""
    return "OutOfMemory" in said or "out of memory" in said.lower()


def about_the_door(answer: Answer) -> ProviderError | None:
    """What an answer says of the address and the key; None when it says nothing of them."""
    if 300 <= answer.status < 400:
        return Misconfigured("The address redirects elsewhere; the key is not sent there.")
    if answer.status in {401, 407}:
        return Misconfigured("What stands in front of ComfyUI wants a key, and does not take this one.")
    if answer.status == _EMPTY_BODY_MEANS_GUARD:
        return Misconfigured("The server, or what stands in front of it, does not let us in.")
    if answer.status in {404, 405}:
        return Misconfigured(f"There is no ComfyUI at this address: it answered {answer.status}.")
    if answer.status == 429:
        return Throttled("The server asks to wait.", retry_after_seconds=answer.retry_after_seconds)
    return None


def _not_taken(error: Mapping[str, Any], node_errors: Mapping[str, Any], rendered: Rendered) -> ProviderError:
    said = str(error.get("details") or error.get("message") or "")
    match error.get("type"):
        case "missing_node_type" | "invalid_prompt":
            # Older servers name the node in their sentence alone.
            named = _NODE_ID.search(said)
            node = rendered.workflow.get(named[1]) if named else None
            kind = f", {node.get('class_type')}," if isinstance(node, Mapping) else ""
            where = f" “{title_of(rendered.workflow, named[1])}” (node {named[1]}){kind}" if named else ""
            what = f"The node{where} is not installed at the server."
            return NotInstalled(what, vendor_message=f"{error.get('message', '')} {said}".strip())
        case "prompt_no_outputs":
            return NotInstalled("No node of this model's workflow saves anything.", vendor_message=said)
        case "prompt_outputs_failed_validation":
            found = _of_nodes(node_errors, rendered)
            if found is not None:
                return found
    return NotInstalled("ComfyUI does not take this model's workflow.", vendor_message=said)


def _of_nodes(node_errors: Mapping[str, Any], rendered: Rendered) -> ProviderError | None:
    found = list(_each(node_errors))
    if not found:
        return None
    told = [_sentence(node_id, error, rendered.workflow) for node_id, error in found[:TOLD_MAX]]
    if len(found) > TOLD_MAX:
        told.append(f"and {len(found) - TOLD_MAX} more")
    said = "; ".join(str(error.get("details", "")) for _, error in found[:TOLD_MAX])
    theirs = all(
        error.get("type") in _OF_THE_VALUE and (node_id, _input_of(error)) in rendered.filled
        for node_id, error in found
    )
    if theirs:
        return Rejected(f"A value does not fit: {'; '.join(told)}.", vendor_message=said)
    return NotInstalled(f"The workflow cannot run at this server: {'; '.join(told)}.", vendor_message=said)


def _each(node_errors: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for node_id, about in node_errors.items():
        errors = about.get("errors") if isinstance(about, Mapping) else None
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, Mapping):
                yield str(node_id), error


def _sentence(node_id: str, error: Mapping[str, Any], workflow: JsonObject) -> str:
    """Which node, which input, and what is wrong with it."""
    extra = error.get("extra_info")
    extra = extra if isinstance(extra, Mapping) else {}
    name, kind = _input_of(error), str(error.get("type"))
    if kind.startswith("exception_during"):
        # The input it names, if any, is that of the node before which it stumbled.
        what = _link_to_nowhere(node_id, workflow) or "the server could not judge it"
        return f"“{title_of(workflow, node_id)}” (node {node_id}): {what}"
    # Where a node judges its inputs itself, the server does not say what it was given.
    value = str(extra["received_value"] if "received_value" in extra else _inputs_of(node_id, workflow).get(name))[:120]
    what = {
        "value_not_in_list": f"there is no “{value}” for {name}",
        "required_input_missing": f"{name} is missing",
        "value_smaller_than_min": f"{name} is too small with {value}",
        "value_bigger_than_max": f"{name} is too large with {value}",
        "invalid_input_type": f"{name} cannot be “{value}”",
        "return_type_mismatch": f"what is linked to {name} is of another kind",
        "bad_linked_input": f"the link to {name} is broken",
        "custom_validation_failed": f"{name} cannot be read: “{value}”",
        "dependency_cycle": "it depends on itself",
    }.get(kind, f"{name or 'it'} is not right")
    return f"“{title_of(workflow, node_id)}” (node {node_id}): {what}"


def _link_to_nowhere(node_id: str, workflow: JsonObject) -> str | None:
    for key, value in _inputs_of(node_id, workflow).items():
        link = as_link(value)
        if link is not None and link.node_id not in workflow:
            return f"{key} is linked to node {link.node_id}, which is not there"
    return None


def _inputs_of(node_id: str, workflow: JsonObject) -> Mapping[str, Any]:
    node = workflow.get(node_id)
    inputs = node.get("inputs") if isinstance(node, Mapping) else None
    return inputs if isinstance(inputs, Mapping) else {}


def _input_of(error: Mapping[str, Any]) -> str:
    extra = error.get("extra_info")
    return str(extra.get("input_name", "")) if isinstance(extra, Mapping) else ""


def _json_of(answer: Answer) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except Drifted:
        return {}
    return body if isinstance(body, Mapping) else {}
