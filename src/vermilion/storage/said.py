"""What a cloud said when it refused, in words an operator can act on. No login is ever part of it."""

import re
from typing import Final

from vermilion.storage.errors import Reason, StorageFailed

_CODE = re.compile(r"<Code>(?P<code>[A-Za-z.]{1,60})</Code>")
_STATUS = re.compile(r"\bstatus code: (?P<status>\d{3})\b")
_FIRST_LINE_CHARS: Final = 200

_BY_CODE: Final[dict[str, tuple[Reason, str]]] = {
    "SignatureDoesNotMatch": (
        "wrong_secret",
        "{host} refused the signature: the secret key is not that of this access key.",
    ),
    "InvalidAccessKeyId": ("unknown_key", "{host} does not know this access key."),
    "NoSuchBucket": ("no_bucket", "{host} has no bucket of this name; buckets are found only in their own region."),
    "AccessDenied": ("denied", "{host} does not let this access key do that in this bucket."),
    "RequestTimeTooSkewed": ("clock", "{host} says that this machine's clock is wrong."),
    "RequestExpired": ("clock", "{host} says that this machine's clock is wrong."),
    "SlowDown": ("busy", "{host} is asked too much at the moment."),
    "ServiceUnavailable": ("busy", "{host} is not available at the moment."),
    "InternalError": ("busy", "{host} had an internal error."),
}
"""By the error codes that COS, OSS, OBS and S3 share (each vendor's "Error codes")."""

_FOR_NOW: Final[frozenset[Reason]] = frozenset({"busy", "unreachable", "timeout", "damaged"})


def said(error: Exception, host: str) -> StorageFailed:
    """What obstore raised, as ours: which of the reasons, and one sentence that names the host."""
    reason, sentence = _read(str(error))
    return StorageFailed(sentence.format(host=host), again=reason in _FOR_NOW, reason=reason)


def _read(text: str) -> tuple[Reason, str]:
    code = _CODE.search(text)
    if code is not None and (known := _BY_CODE.get(code["code"])) is not None:
        if code["code"] == "AccessDenied" and "expired" in text.lower():
            return _BY_CODE["RequestExpired"]
        return known
    status = _STATUS.search(text)
    if status is not None and status["status"] == "403":
        return _BY_CODE["AccessDenied"]
    if status is not None and int(status["status"]) >= 500:
        return "busy", f"{{host}} answered {status['status']}."
    lower = text.lower()
    if "dns error" in lower:
        return "unreachable", "{host} could not be reached: its name is not known."
    if "timed out" in lower or "timedout" in lower or "deadline" in lower:
        return "timeout", "{host} did not answer in time."
    if "error sending request" in lower or "connect" in lower or "http error" in lower:
        return "unreachable", "{host} could not be reached, or broke off."
    return "failed", f"{{host}} refused: {_told(text)}."


def _told(text: str) -> str:
    """The first line, without addresses; braces would be taken for places to fill in."""
    line = re.sub(r"https?://\S+", "…", text.splitlines()[0] if text else "no reason was given")
    return line.strip(" .").replace("{", "(").replace("}", ")")[:_FIRST_LINE_CHARS]
