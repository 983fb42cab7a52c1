"""What a proxy's refusals and Midjourney's failures mean: whose move each of them is.

A proxy answers a submit with a code (1 and 22 are yes, 21 asks for a second step), most of them under status 200; a
job that fails says why in words, often with Midjourney's own title in brackets. Facts: the proxies' sources.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from vermilion.providers.errors import (
    Ambiguous,
    Blocked,
    Broke,
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unreachable,
)
from vermilion.providers.wire import Answer

ACCEPTED, NO_ONE_THERE, INVALID, FAILED, WINDOW, QUEUED, QUEUE_FULL, BANNED, TOO_MANY = 1, 3, 4, 9, 21, 22, 23, 24, 30
QUEUE_PAUSE_SECONDS = 15.0

_FULL = re.compile(r"队列|并发|已满|上限|稍后|queue|concurren|too many|busy", re.IGNORECASE)
_DAILY = re.compile(r"今日|每日|次数|daily", re.IGNORECASE)
_NO_QUOTA = re.compile(r"quota|额度|余额|insufficient", re.IGNORECASE)
_LOST = re.compile(r"time.?out|deadline|do_request|read_response|unmarshal|EOF|reset", re.IGNORECASE)
_NO_TASK = re.compile(r"任务|task", re.IGNORECASE)

_TITLE = re.compile(r"^\s*\[([^\]]{1,80})\]")
_BLOCKED_TITLES = ("banned prompt", "image denied", "request cancelled due to output filters", "blocked image")
_REFUSED_TITLES = ("invalid prompt", "invalid parameter", "invalid link", "empty prompt")
_ACCOUNT_TITLES = (
    "credits exhausted", "pending mod message", "blocked", "plan cancelled", "subscription required",
    "subscription paused",
)  # fmt: skip
_AGAIN_TITLES = ("queue full", "internal server error", "internal error")
_SENSITIVE = re.compile(r"敏感词|敏感内容")
_AGAIN = re.compile(r"^Failed|超时|任务失败，请重试|上传图片到|上传失败|time.?out", re.IGNORECASE)
_HUMAN = re.compile(r"captcha|人机验证", re.IGNORECASE)
_STOPPED = re.compile(r"取消任务|任务已取消")


def table_of(answer: Answer) -> dict[str, Any] | None:
    """The answer's body, where it is a JSON table."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def refused_submit(answer: Answer, body: Mapping[str, Any] | None, *, follows: bool) -> ProviderError:
    """What a submit's answer other than yes means. `follows`: it goes on from another task."""
    said, words = _code_in(body), _words_in(body)
    known = _refused_by_status(answer, said, words)
    if known is not None:
        return known
    match said:
        case _ if said == BANNED:
            return Blocked("Midjourney's list of banned words refuses this prompt.", vendor_message=words)
        case _ if said == INVALID:
            return _invalid(answer, words)
        case _ if said == NO_ONE_THERE:
            if answer.status == 404 or (follows and _NO_TASK.search(words or "")):
                return Rejected("Midjourney no longer knows what this goes on from.", vendor_message=words)
            return Unreachable("The proxy has no Midjourney account free to do this.", vendor_message=words)
        case _ if said in {QUEUE_FULL, TOO_MANY}:
            return _queue_full(words)
        case _ if said == FAILED:
            return _queue_full(words) if _FULL.search(words or "") else Broke("The proxy failed.", vendor_message=words)
        case -1:
            return _thrown(answer, words)
    return Ambiguous(f"The proxy answered {answer.status}, in words nobody knows.", vendor_message=answer.text(200))


def refused_question(answer: Answer) -> ProviderError:
    """What an unsuccessful answer to a harmless question means."""
    body = table_of(answer)
    said, words = _code_in(body), _words_in(body)
    if said == NO_ONE_THERE or "task_no_found" in (words or "") or "task_not_found" in (words or ""):
        return forgotten()
    known = _refused_by_status(answer, said, words)
    if isinstance(known, Ambiguous) or answer.status >= 500:
        return Unreachable(f"The proxy answered {answer.status}.", vendor_message=words)
    if known is not None:
        return known
    if said == INVALID:
        return Rejected("The proxy refuses the question.", vendor_message=words)
    return Misconfigured(f"The address answered {answer.status}, and not as a midjourney-proxy does.")


def forgotten() -> Broke:
    """The proxy has never heard of the job, or no longer has."""
    return Broke("The proxy no longer knows this job.", again=False)


def failure_of(reason: str) -> ProviderError:
    """Why a job failed, by Midjourney's title or the proxy's own words."""
    found = _TITLE.match(reason)
    title = found[1].strip().lower() if found else reason.strip().lower()
    if _SENSITIVE.search(reason) or title.startswith(_BLOCKED_TITLES):
        return Blocked("Midjourney's moderation refused it.", vendor_message=reason)
    if title.startswith(_REFUSED_TITLES):
        return Rejected("Midjourney does not take this request.", vendor_message=reason)
    if _STOPPED.search(reason):
        return Broke("The job was canceled at the proxy.", vendor_message=reason, again=False)
    if _HUMAN.search(reason):
        return Broke("Midjourney asks for a human at the proxy's account.", vendor_message=reason, again=False)
    if title in _ACCOUNT_TITLES:
        return Broke("The proxy's Midjourney account cannot work at the moment.", vendor_message=reason)
    if title.startswith(_AGAIN_TITLES) or _AGAIN.search(reason):
        return Broke("Midjourney failed at it.", vendor_message=reason)
    return Broke("Midjourney ended it with an error.", vendor_message=reason or None, again=False)


def _refused_by_status(answer: Answer, said: int | None, words: str | None) -> ProviderError | None:
    if 300 <= answer.status < 400:
        return Misconfigured("The address redirects elsewhere; the secret is not sent there.")
    if answer.status == 429:
        return Throttled(
            "The proxy asks to wait.", vendor_message=words, retry_after_seconds=answer.retry_after_seconds
        )
    if _NO_QUOTA.search(words or "") and answer.status >= 400:
        return Misconfigured("The gateway's balance is used up.", vendor_message=words)
    if answer.status in {401, 403}:
        return Misconfigured("The proxy refuses this secret.", vendor_message=words or answer.text(200) or None)
    if said is None and answer.status in {404, 405}:
        return Misconfigured(f"The address answered {answer.status}, and not as a midjourney-proxy does.")
    if answer.status >= 500 and said not in {-1, NO_ONE_THERE}:
        return Ambiguous(f"The proxy answered {answer.status}; it may have taken the job.", vendor_message=words)
    return None


def _invalid(answer: Answer, words: str | None) -> ProviderError:
    if answer.status >= 400 and _LOST.search(words or ""):
        return Ambiguous("The gateway lost the answer of the proxy behind it.", vendor_message=words)
    return Rejected("The proxy does not take this request.", vendor_message=words)


def _queue_full(words: str | None) -> Throttled:
    return Throttled("The proxy's queue is full.", vendor_message=words, retry_after_seconds=QUEUE_PAUSE_SECONDS)


def _thrown(answer: Answer, words: str | None) -> ProviderError:
    """An exception inside the proxy; those about a user's limits come with status 200."""
    if answer.status >= 500:
        return Ambiguous("The proxy failed in the middle; it may have taken the job.", vendor_message=words)
    if _DAILY.search(words or ""):
        return Misconfigured("The proxy's daily limit for this secret is used up.", vendor_message=words)
    return _queue_full(words) if _FULL.search(words or "") else Broke("The proxy failed.", vendor_message=words)


def _code_in(body: Mapping[str, Any] | None) -> int | None:
    said = (body or {}).get("code")
    if isinstance(said, str) and said.lstrip("-").isdecimal():
        said = int(said)
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def _words_in(body: Mapping[str, Any] | None) -> str | None:
    content = body or {}
    error = content.get("error")
    told = (
        content.get("description"),
        content.get("message"),
        error.get("message") if isinstance(error, dict) else error,
    )
    words = next((text for text in told if isinstance(text, str) and text.strip()), None)
    properties = content.get("properties")
    word = properties.get("bannedWord") if isinstance(properties, dict) else None
    return f"{words} ({word})" if words and isinstance(word, str) else words
