"""Making the requests: the prompt with its flags, pictures, and what each of the proxy's doors wants.

A parameter whose wire name begins with two hyphens is a flag of Midjourney's prompt: the catalog decides which there
are, and this file only puts them behind the words, where they belong.
"""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from vermilion.providers.contract import Call, InputFile
from vermilion.providers.errors import NotInstalled, Rejected
from vermilion.providers.masks import as_transparency
from vermilion.providers.midjourney_buttons import press

SPEEDS = ("turbo", "fast", "relax")
REFERENCES = {"style": "--sref", "character": "--cref", "omni": "--oref"}
"""Roles of pictures that Midjourney takes by address, as flags."""

_ONLY_WITH = {"--iw": "", "--sw": "--sref", "--sv": "--sref", "--cw": "--cref", "--ow": "--oref"}
"""Flags that Midjourney refuses alone; `--iw` goes with pictures before the words."""

_ALONE = "default"

_NOT_IN_WORDS = re.compile(
    r"""(?:\s*(?:
        -{2,}(?:turbo|fast|relax)\w*                                         # some proxies look for it anywhere
      | (?<![\w—])—+(?:turbo|fast|relax)(?!\w)
      | (?:-{2,}|(?<![\w—])—+)(?:repeat|r)(?![A-Za-z])(?:[\s=:"']*[0-9]\S*)?
    ))+\s*""",
    re.IGNORECASE | re.VERBOSE,
)
"""What the words may not decide: the speed is paid for by a parameter, and one request is one job."""
_DASH = re.compile(r"—(?=[A-Za-z])")
_SEVERAL = re.compile(r"[^{]*\{(?:\\.|[^\\,])*,[^}]*\}", re.DOTALL)
"""`{red, blue}`: as many jobs as it has parts."""

Upload = Callable[[Sequence[InputFile]], Awaitable[list[str]]]


async def body_of(call: Call, upload: Upload, *, speed_in_words: bool) -> dict[str, Any]:
    """The request of a call, for the door its endpoint names; `upload` gives pictures an address Midjourney reads."""
    match call.endpoint:
        case "imagine" | "shorten":
            pictures = [await _data_url(file) for file in _of(call, "image")]
            words = await prompt_of(call, upload, speed_in_words=speed_in_words)
            return _told(call, prompt=words, base64Array=pictures)
        case "blend":
            pictures = [await _data_url(file) for file in _of(call, "image")]
            return _told(call, base64Array=pictures, dimensions=call.params.get("dimensions", "SQUARE"))
        case "describe":
            language = call.params.get("language")
            return _told(
                call, base64=await _data_url(_only(call, "image")), **({"language": language} if language else {})
            )
        case "edits" | "retexture":
            words = await prompt_of(call, upload, speed_in_words=speed_in_words)
            return _told(call, prompt=words, image=await _data_url(_only(call, "image")))
        case "video":
            return await _video(call)
        case "action":
            return _pressed(call)
    raise Rejected(f"Midjourney's proxy has no door {call.endpoint!r}.")


async def window_of(call: Call, task_id: str, final: str, *, mask_is_transparent: bool) -> dict[str, Any]:
    """The second step, which answers the window a button opened: the words (or `final`, its own), and the mask."""
    said = _clean(call.prompt) or _clean(final)
    words = " ".join([said, *_flags(call, said)]).strip()
    body: dict[str, Any] = {"taskId": task_id, "prompt": words, "state": call.reference}
    masks = _of(call, "mask")
    if masks:
        content = await masks[0].read()
        if mask_is_transparent:
            content = await asyncio.to_thread(as_transparency, content)
        body["maskBase64"] = await _encoded(content, "image/png")
    return body


async def prompt_of(call: Call, upload: Upload, *, speed_in_words: bool) -> str:
    """The words with every flag behind them."""
    addresses: dict[str, list[str]] = {}
    for role, flag in REFERENCES.items():
        files = _of(call, role)
        if files:
            told = await upload(files)
            addresses[flag] = [_weighed(url, file) for url, file in zip(told, files, strict=True)]
    said = _clean(call.prompt)
    flags = _flags(call, said, addresses)
    speed = call.params.get("speed")
    if speed_in_words and speed in SPEEDS:
        flags.append(f"--{speed}")
    return " ".join([said, *flags]).strip()


def _clean(words: str) -> str:
    """The words without what they may not decide; raises `Rejected` for words that would be several jobs."""
    if _SEVERAL.match(words):
        raise Rejected("These words ask for several pictures at once, in {…, …}.")
    return decide_nothing(words)


def decide_nothing(words: str) -> str:
    """The words without a speed and a number of jobs.

    Midjourney would read a long dash before a word as two hyphens, so a space is put between them.
    """
    return _DASH.sub("— ", _NOT_IN_WORDS.sub(" ", words)).strip()


def _flags(call: Call, words: str, addresses: dict[str, list[str]] | None = None) -> list[str]:
    values: dict[str, Any] = {
        name: _clean(value) if isinstance(value, str) else value
        for name, value in call.params.items()
        if name.startswith("--")
    }
    for flag, urls in (addresses or {}).items():
        values[flag] = " ".join([*([str(values[flag])] if values.get(flag) else []), *urls])
    said = words.split()
    has_pictures = bool(_of(call, "image")) or words.lstrip().startswith(("https://", "http://"))
    flags = []
    for flag, value in values.items():
        needed = _ONLY_WITH.get(flag)
        present = has_pictures if needed == "" else needed is None or bool(values.get(needed))
        if value is not False and value != "" and present and flag not in said:
            flags.append(_flag(flag, value))
    # The version last: it is what the model is, and no parameter of it.
    ready = (call.params.get("flags"), call.options.get("version"))
    return [*flags, *(str(flag) for flag in ready if flag)]


def _flag(flag: str, value: Any) -> str:
    if value is True or (flag == "--profile" and value == _ALONE):
        return flag
    return f"{flag} {value:g}" if isinstance(value, float) else f"{flag} {value}"


def _weighed(url: str, file: InputFile) -> str:
    return url if file.weight is None else f"{url}::{file.weight:g}"


async def _video(call: Call) -> dict[str, Any]:
    said = _clean(call.prompt)
    words = " ".join([said, *_flags(call, said)]).strip()
    body = {name: call.params[name] for name in ("motion", "videoType", "loop", "index") if name in call.params}
    if "batchSize" in call.params:
        body["batchSize"] = int(call.params["batchSize"])
    if words:
        body["prompt"] = words
    if call.options.get("extend"):
        return _told(call, action="extend", taskId=parent_task(call), **body)
    for role, name in (("start_frame", "image"), ("end_frame", "endImage")):
        for file in _of(call, role):
            body[name] = await _data_url(file)
    return _told(call, **body)


def _pressed(call: Call) -> dict[str, Any]:
    follow = str(call.options["follow"])
    body = press(call.parent or {}, str(call.params.get("button") or ""), follow)
    if call.params.get("strong") and "::variation::" in str(body.get("customId", "")):
        body["strong"] = True
    if call.prompt.strip() and not call.options.get("window"):
        if "customId" not in body:
            raise NotInstalled("This Midjourney proxy takes no other words for a variation.")
        # Other words than the parent's: only the remix window takes them.
        body["enableRemix"] = True
    return _told(call, taskId=parent_task(call), **body)


def parent_task(call: Call) -> str:
    """The task a call goes on from; raises `Rejected` where there is none."""
    task = (call.parent or {}).get("task")
    if not isinstance(task, str) or not task:
        raise Rejected("This goes on from something made at Midjourney, and what is given was not.")
    return task


def _told(call: Call, **body: Any) -> dict[str, Any]:
    hook = {"notifyHook": call.callback_url} if call.callback_url else {}
    return {**body, "state": call.reference, **hook}


def _of(call: Call, role: str) -> list[InputFile]:
    return [file for file in call.inputs if file.role == role]


def _only(call: Call, role: str) -> InputFile:
    files = _of(call, role)
    if len(files) != 1:
        raise Rejected("Exactly one picture is needed.")
    return files[0]


async def _data_url(file: InputFile) -> str:
    return await _encoded(await file.read(), file.content_type)


async def _encoded(content: bytes, content_type: str) -> str:
    text = await asyncio.to_thread(base64.b64encode, content)
    return f"data:{content_type};base64,{text.decode()}"


async def pictures_for_upload(files: Sequence[InputFile]) -> list[str]:
    """Pictures as the proxy's upload takes them."""
    return [await _data_url(file) for file in files]
