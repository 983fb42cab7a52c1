"""Reading a task of a midjourney-proxy: how it is, and what came of it.

Only `SUCCESS` makes its addresses results: while it runs, `imageUrl` is a passing preview. A grid of four is told from
a single picture by its buttons, or, where a proxy has none, by the task's action. Facts: the proxies' sources.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from vermilion.providers.contract import Done, JsonObject, MediaKind, Output, Pending, Ticket
from vermilion.providers.errors import Broke, Drifted, ProviderError
from vermilion.providers.midjourney_bodies import decide_nothing
from vermilion.providers.midjourney_buttons import cells_of, custom_ids, offered
from vermilion.providers.midjourney_errors import failure_of, forgotten

WAITING = frozenset({"", "NOT_START", "SUBMITTED"})
GRIDS = frozenset(
    {
        *(
            "IMAGINE",
            "BLEND",
            "VARIATION",
            "REROLL",
            "ZOOM",
            "PAN",
            "OUTPAINT",
            "INPAINT",
            "EDIT",
            "EDITS",
            "RETEXTURE",
        ),
        *("CUSTOM_ZOOM", "HIGH_VARIATION", "LOW_VARIATION", "MODAL", "PIC_READER"),
    }
)
"""Actions whose result is four pictures in one, where no button says it."""

_IN_WORDS = frozenset({"DESCRIBE", "SHORTEN"})
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]+)?)\s*%")
_KEYCAP = re.compile(r"^\s*(?:[0-9]\ufe0f?\u20e3|[0-9][.)])\s*", re.MULTILINE)
_PROMPT_MAX_CHARS = 2000

Task = Mapping[str, Any]


def read(ticket: Ticket, tasks: Sequence[Task]) -> Pending | Done:
    """What became of a ticket's tasks: one, or several where one button started several. Raises `ProviderError`."""
    if not tasks:
        raise forgotten()
    if len(tasks) == 1:
        return _of_one(ticket, tasks[0])
    told: list[Done] = []
    waiting: list[Pending] = []
    problems: list[ProviderError] = []
    for task in tasks:
        try:
            answer = _of_one(ticket, task)
        except ProviderError as problem:
            problems.append(problem)
        else:
            (told if isinstance(answer, Done) else waiting).append(answer)  # type: ignore[arg-type]
    if waiting:
        percents = [each.percent or 0.0 for each in waiting] + [100.0] * (len(told) + len(problems))
        return Pending(started=any(each.started for each in waiting), percent=sum(percents) / len(percents))
    if not told:
        raise problems[0]
    return Done(tuple(output for each in told for output in each.outputs), ticket=told[0].ticket)


def status_of(task: Any) -> str:
    """A task's status; raises `Drifted` where it has none."""
    status = task.get("status") if isinstance(task, dict) else None
    if not isinstance(status, str):
        raise Drifted("The proxy's answer is no task.", vendor_message=str(task)[:200])
    return status


def words_of(task: Task) -> str:
    """The prompt as Midjourney took it, but for the speed: what goes on from it has its own."""
    properties = task.get("properties")
    final = properties.get("finalPrompt") if isinstance(properties, dict) else None
    told = (final, task.get("promptEn"), task.get("prompt"))
    said = next((text.strip() for text in told if isinstance(text, str) and text.strip()), "")
    return decide_nothing(said[:_PROMPT_MAX_CHARS])


def _of_one(ticket: Ticket, task: Task) -> Pending | Done:
    status = status_of(task)
    if status in WAITING:
        return Pending(started=False)
    match status:
        case "IN_PROGRESS":
            return Pending(started=True, percent=_percent(task.get("progress")))
        case "MODAL":
            if ticket.data.get("confirmed", True):
                return Pending(started=False)
            raise Broke("The proxy waits for a window to be answered: remix mode is on there.", again=False)
        case "SUCCESS":
            return _done(ticket, task)
        case "FAILURE":
            raise failure_of(str(task.get("failReason") or ""))
        case "CANCEL":
            raise Broke("The job was canceled at the proxy.", again=False)
    raise Drifted(f"The proxy's status {status[:40]!r} is not one of its statuses.")


def _percent(progress: Any) -> float | None:
    found = [float(number) for number in _PERCENT.findall(progress)] if isinstance(progress, str) else []
    return min(max(found), 100.0) if found else None


def _done(ticket: Ticket, task: Task) -> Done:
    prompt = words_of(task)
    seed = _seed(task)
    facts: dict[str, Any] = {} if seed is None else {"seed": seed}
    if task.get("action") in _IN_WORDS:
        texts = _texts(task)
        if not texts:
            raise Broke("Midjourney finished without a word.")
        offer = offered(task, 0, prompt, video=False, texts=texts)
        return Done((), facts | {"texts": texts, "actions": list(offer.whole)}, _receipt(ticket, task, prompt))
    clips = _addresses(task.get("videoUrls"))
    clips = clips if any(clips) else _addresses([task.get("videoUrl")])
    outputs = _clips(task, clips, prompt) if any(clips) else _pictures(task, prompt)
    return Done(outputs, facts, _receipt(ticket, task, prompt, video=any(clips)))


def _pictures(task: Task, prompt: str) -> tuple[Output, ...]:
    several = _addresses(task.get("imageUrls"))
    whole = task.get("imageUrl")
    names = custom_ids(task)
    is_grid = cells_of(names) == 4 if names else task.get("action") in GRIDS
    if len(several) > 1 or (any(several) and not is_grid):
        return _apart(task, several, prompt, "image")
    if not is_grid or not _is_address(whole):
        return _apart(task, _addresses([whole]), prompt, "image")
    offer = offered(task, 4, prompt, video=False)
    whole_actions = (*offer.whole, *_seed_offered(task))
    return (Output("image", url=whole, actions=whole_actions, grid=(2, 2), cell_actions=offer.each),)


def _clips(task: Task, clips: Sequence[str | None], prompt: str) -> tuple[Output, ...]:
    outputs = _apart(task, clips, prompt, "video")
    if len(clips) == 1 and task.get("action") == "UPSCALE":
        return outputs
    places = [place for place, url in enumerate(clips) if url is not None]
    return tuple(
        Output("video", url=output.url, actions=(*output.actions, _extended(place)))
        for place, output in zip(places, outputs, strict=True)
    )


def _apart(task: Task, addresses: Sequence[str | None], prompt: str, kind: MediaKind) -> tuple[Output, ...]:
    """Results with an address each; one that was taken out of several has none, and leaves its place empty."""
    offer = offered(task, len(addresses), prompt, video=kind == "video")
    whole = (*offer.whole, *(_seed_offered(task) if kind == "image" else ()))
    outputs = tuple(
        Output(kind, url=url, actions=(*whole, *each))
        for url, each in zip(addresses, offer.each, strict=True)
        if url is not None
    )
    if not outputs:
        raise Broke("Midjourney finished without a result.")
    return outputs


def _seed_offered(task: Task) -> tuple[JsonObject, ...]:
    """To ask for the seed, where it was not told and the proxy is one that can ask: those that tell buttons can."""
    if not task.get("buttons") or _seed(task) is not None:
        return ()
    label = {"en": "Ask for the seed", "zh": "查询种子"}
    wanted: dict[str, Any] = {"prompt": None, "params": {}, "input_role": None, "needs": []}
    return ({"id": "seed", "label": label, "model": "midjourney-seed", **wanted},)


def _seed(task: Task) -> int | None:
    told = task.get("seed")
    return int(told) if isinstance(told, int | str) and str(told).isdecimal() else None


def _extended(place: int) -> JsonObject:
    return {
        "id": "extend",
        "label": {"en": "Extend", "zh": "延长"},
        "model": "midjourney-video-extend",
        "prompt": None,
        "params": {"clip": place},
        "input_role": None,
        "needs": [],
    }


def _receipt(ticket: Ticket, task: Task, prompt: str, *, video: bool = False) -> Ticket:
    """The ticket with what a follow-up must know."""
    told = {"task": str(task.get("id") or ticket.id), "buttons": custom_ids(task)[:30], "prompt": prompt}
    return Ticket(ticket.id, {**ticket.data, **told, **({"video": True} if video else {})})


def _addresses(items: Any) -> list[str | None]:
    """Web addresses, named plainly or as `url`; None where there is none."""
    found = [item.get("url") if isinstance(item, dict) else item for item in items] if isinstance(items, list) else []
    return [url if _is_address(url) else None for url in found]


def _is_address(url: Any) -> bool:
    return isinstance(url, str) and url.startswith(("https://", "http://"))


def _texts(task: Task) -> list[str]:
    """The descriptions, or shorter prompts: numbered with keycaps, or parted by empty lines."""
    properties = task.get("properties")
    final = properties.get("finalPrompt") if isinstance(properties, dict) else None
    asked = task.get("prompt")
    for text in (final, task.get("promptEn"), task.get("description")):
        # A command is no answer, and what was asked is none either.
        if not isinstance(text, str) or not text.strip() or text.startswith("/") or text == asked:
            continue
        marks = list(_KEYCAP.finditer(text))
        ends = [*(mark.start() for mark in marks[1:]), len(text)]
        parts = [text[mark.end() : end] for mark, end in zip(marks, ends, strict=False)]
        told = [part.strip() for part in parts or re.split(r"\n\s*\n", text) if part.strip()]
        return [decide_nothing(part[:_PROMPT_MAX_CHARS]) for part in told[:10]]
    return []
