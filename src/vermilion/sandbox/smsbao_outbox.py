"""What phones would show, on a page: the messages that were sent, the newest first, with their codes large."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from . import paper

_CODE = re.compile(r"(?<![0-9])[0-9]{4,8}(?![0-9])")
_REFRESH_SECONDS = 2

_STYLE = """
main { max-width: 36rem }
p { margin: 0 }
ol { list-style: none; margin: 0; padding: 0 }
li { background: var(--card); border: 1px solid var(--rule); border-radius: .5rem; padding: .9rem 1rem;
  margin: 0 0 .8rem }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; font-size: .9em }
.code { font: 600 2rem/1.4 ui-monospace, "SFMono-Regular", "DejaVu Sans Mono", monospace; letter-spacing: .15em }
.said { overflow-wrap: anywhere }
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one number, as it was sent."""

    phone: str
    text: str
    sent_at: float
    kind: str

    @property
    def code(self) -> str | None:
        """The digits one is to type, where there are some."""
        found = _CODE.search(self.text)
        return found[0] if found else None

    def view(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "code": self.code}


def outbox_page(messages: Iterable[Message]) -> str:
    """The page; it looks again by itself every two seconds."""
    items = "".join(_item(message) for message in messages)
    listed = f"<ol>{items}</ol>" if items else "<p class='quiet'>Nothing was sent yet. 还没有短信。</p>"
    return paper.page(
        "Outbox · Vermilion sandbox",
        'Outbox <span lang="zh">短信</span>',
        "What phones would show. No message leaves this machine.",
        listed,
        style=_STYLE,
        head=f'<meta http-equiv="refresh" content="{_REFRESH_SECONDS}">\n',
    )


def _item(message: Message) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(message.sent_at))
    code = f"<p class='code'>{escape(message.code)}</p>" if message.code else ""
    return (
        f"<li><p class='head'><span>{escape(message.phone)}</span><time class='quiet'>{at}</time></p>{code}"
        f"<p class='said quiet'>{escape(message.text)}</p></li>"
    )
