"""What a cloud said when it refused, in words an operator can act on. No login is ever part of it."""

import re
from typing import Final

from vermilion.storage.errors import Reason, StorageFailed

_CODE = re.compile(r'\bcode: "(?P<code>[A-Za-z.]{1,60})"')
_STATUS = re.compile(r"\bstatus: (?P<status>\d{3})\b")
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

_FOR_NOW: Final[frozenset[Reason]] = frozenset({"busy", "unreachable", "timeout"})


def said(error: Exception, host: str) -> StorageFailed:
    """What OpenDAL raised, as ours: which of the reasons, and one sentence that names the host."""
    text = str(error)
    reason, sentence = _read(text)
    return StorageFailed(sentence.format(host=host), again=reason in _FOR_NOW or "(temporary)" in text, reason=reason)


def _read(text: str) -> tuple[Reason, str]:
    code = _CODE.search(text)
    if code is not None and (known := _BY_CODE.get(code["code"])) is not None:
        if code["code"] == "AccessDenied" and "expired" in text.lower():
            return _BY_CODE["RequestExpired"]
        return known
    if "timeout reached" in text:
        return "timeout", "{host} did not answer in time."
    if "reqwest::send" in text or "error sending request" in text or "send http request" in text:
        what = "its name is not known" if "dns error" in text else "no connection could be made"
        return "unreachable", f"{{host}} could not be reached: {what}."
    status = _STATUS.search(text)
    if status is not None and status["status"] == "403":
        return "denied", "{host} does not let this access key do that in this bucket."
    if status is not None and int(status["status"]) >= 500:
        return "busy", f"{{host}} answered {status['status']}."
    if text.startswith("ConfigInvalid"):
        return "misconfigured", f"These settings cannot be used: {_told(text)}."
    return "failed", f"{{host}} refused: {_told(text)}."


def _told(text: str) -> str:
    """The first line, without OpenDAL's own preface; braces would be taken for places to fill in."""
    line = text.splitlines()[0] if text else "no reason was given"
    return line.rpartition("=> ")[2].strip(" .").replace("{", "(").replace("}", ")")[:_FIRST_LINE_CHARS]
