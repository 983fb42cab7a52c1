"""The connection test: whether the secret is good, and which dialect answers. It costs nothing and starts nothing."""

import json
from typing import Any, Protocol

from vermilion.providers.contract import Probe
from vermilion.providers.errors import ProviderError
from vermilion.providers.midjourney_errors import refused_question
from vermilion.providers.midjourney_login import Dialect
from vermilion.providers.wire import Answer

_NO_TASKS = {"ids": ["0"]}
_TITLES: dict[Dialect, str] = {
    "original": "midjourney-proxy, original",
    "extended": "midjourney-proxy, extended (trueai)",
    "relay": "a gateway in front of midjourney-proxy",
}


class Asks(Protocol):
    """Whoever speaks to the proxy."""

    async def ask(self, method: str, path: str, *, effect: bool = False, **content: Any) -> Answer: ...


async def probe(proxy: Asks, told: Dialect) -> Probe:
    """Ask for tasks that never were: plainly, by the door of a speed, and under the successor's second name for it."""
    try:
        answer = await proxy.ask("POST", "mj/task/list-by-condition", body=_NO_TASKS)
        if not answer.ok:
            problem = refused_question(answer)
            said = f" ({problem.vendor_message})" if problem.vendor_message else ""
            return Probe(problem=f"{problem.message}{said}")
        if not _is_list(answer):
            return Probe(problem=f"The address answered {answer.status}, and not as a midjourney-proxy does.")
        found = await _dialect(proxy)
    except ProviderError as error:
        return Probe(problem=error.message)
    if told not in ("auto", found):
        return Probe(problem=f"This is {_TITLES[found]}: set the kind of proxy to {found}, or to auto.")
    return Probe(account=_TITLES[found])


async def _dialect(proxy: Asks) -> Dialect:
    if not _is_list(await proxy.ask("POST", "mj-fast/mj/task/list-by-condition", body=_NO_TASKS)):
        return "original"
    by_ids = await proxy.ask("POST", "mj/task/list-by-ids", body=_NO_TASKS)
    return "extended" if _is_list(by_ids) else "relay"


def _is_list(answer: Answer) -> bool:
    try:
        return answer.ok and isinstance(json.loads(answer.body), list)
    except ValueError:
        return False
