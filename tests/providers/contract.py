"""The cases every provider must pass. A vendor's test inherits `ProviderContract` and describes its vendor.

Recordings say what must be sent and what must be made of each answer; `REQUIRED` names the situations no vendor may
leave unrecorded, so that a new adapter cannot forget a way to fail.
"""

import ast
import importlib.util
import inspect
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.providers.replay import recordings_in, replaying
from vermilion import providers
from vermilion.providers import (
    Ambiguity,
    Broke,
    Call,
    Done,
    Login,
    Pending,
    Probe,
    Provider,
    ProviderError,
    Ticket,
    Unreachable,
    Wire,
    adapters,
    power,
)

_ROOM = "vermilion.providers"
RECORDINGS = Path(__file__).parent / "recordings"

REQUIRED = {
    "submit": {
        "submit_accepted": "Ticket",
        "submit_with_inputs": "Ticket",
        "submit_throttled": "Throttled",
        "submit_bad_key": "Misconfigured",
        "submit_rejected": "Rejected",
        "submit_blocked": "Blocked",
        "submit_unavailable": "Unreachable",
        "submit_gateway_page": "Ambiguous",
        "submit_lost_answer": "Ambiguous",
        "submit_cut_answer": "Ambiguous",
        "submit_unreadable_answer": "Ambiguous",
        "submit_unknown_answer": "Ambiguous",
    },
    "check": {
        "check_queued": "Pending",
        "check_running": "Pending",
        "check_done": "Done",
        "check_blocked_output": "Done",
        "check_blocked": "Blocked",
        "check_rejected": "Rejected",
        "check_broke": "Broke",
        "check_nothing_made": "Broke",
        "check_forgotten": "Broke",
        "check_throttled": "Throttled",
        "check_bad_key": "Misconfigured",
        "check_gateway_page": "Unreachable",
        "check_lost_answer": "Unreachable",
        "check_unknown_status": "Drifted",
        "check_unknown_result": "Drifted",
        "check_html_result": "Drifted",
    },
    "cancel": {
        "cancel_stopped": "Canceled",
        "cancel_requested": "Canceled",
        "cancel_too_late": "Canceled",
        "cancel_unknown": "Canceled",
    },
    "probe": {"probe_works": "Probe", "probe_bad_key": "Probe"},
}

REQUIRED_AT_ONCE = {
    "submit": {
        "submit_done": "Done",
        "submit_with_inputs": "Done",
        "submit_throttled": "Throttled",
        "submit_bad_key": "Misconfigured",
        "submit_rejected": "Rejected",
        "submit_blocked": "Blocked",
        "submit_broke": "Broke",
        "submit_nothing_made": "Broke",
        "submit_gateway_page": "Ambiguous",
        "submit_lost_answer": "Ambiguous",
        "submit_cut_answer": "Ambiguous",
        "submit_unreadable_answer": "Ambiguous",
        "submit_unknown_answer": "Ambiguous",
    },
    "probe": REQUIRED["probe"],
}
"""The same for vendors whose answer to a submit is the result: there is no job to ask about."""


MODERATION = frozenset({"submit_blocked", "check_blocked", "check_blocked_output"})
"""The situations that a vendor who judges neither words nor pictures cannot bring about."""


@dataclass(frozen=True)
class Vendor:
    """What a vendor's contract test describes. The functions get the address of the server that plays the vendor."""

    adapter: type[Provider]
    login: Callable[[str], Login]
    calls: Mapping[str, Call]
    """Calls by name; a recording to submit says which one it is about (`call`, else `plain`)."""
    ticket: Callable[[str], Ticket] | None = None
    """A ticket to ask about; none where the answer to a submit is the result itself."""
    unmoderated: str = ""
    """Why nothing is ever refused for what it shows, where the vendor's facts say so. Nothing else may be left out."""
    recorded_in: str = ""
    """The folder of the recordings, where it is not called like the adapter."""

    @property
    def recordings(self) -> Path:
        """Where the recordings are."""
        return RECORDINGS / (self.recorded_in or self.adapter.name)


class ProviderContract:
    """Inherit, and set `vendor`."""

    vendor: ClassVar[Vendor]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "recorded" in metafunc.fixturenames and hasattr(self, "vendor"):
            metafunc.parametrize("recorded", recordings_in(self.vendor.recordings))

    async def test_what_is_sent_and_understood_is_as_recorded(self, recorded: str, wire: Wire) -> None:
        recording = recordings_in(self.vendor.recordings)[recorded]
        async with replaying(recording["exchanges"]) as replay:
            adapter = self.vendor.adapter(self.vendor.login(replay.origin), wire)
            outcome = await self._do(adapter, recording, replay.origin)
            replay.assert_complete()
            assert _described(outcome, replay.origin) == recording["outcome"]

    async def _do(self, adapter: Provider, recording: dict[str, Any], origin: str) -> Any:
        try:
            match recording["do"]:
                case "submit":
                    return await adapter.submit(self.vendor.calls[recording.get("call", "plain")])
                case "check":
                    return await adapter.check(self._ticket(recording, origin))
                case "probe":
                    return await adapter.probe()  # type: ignore[attr-defined]
                case "cancel":
                    return await adapter.cancel(self._ticket(recording, origin))  # type: ignore[attr-defined]
        except ProviderError as error:
            return error
        raise AssertionError(f"nobody knows how to {recording['do']}")

    def _ticket(self, recording: dict[str, Any], origin: str) -> Ticket:
        if "ticket" in recording:
            return Ticket(recording["ticket"]["id"], recording["ticket"]["data"])
        return self._any_ticket(origin)

    def _any_ticket(self, origin: str) -> Ticket:
        return Ticket("no-job") if self.vendor.ticket is None else self.vendor.ticket(origin)

    @pytest.mark.parametrize("verb", sorted(REQUIRED))
    def test_no_situation_is_left_unrecorded(self, verb: str) -> None:
        if verb in {"cancel", "probe"} and not hasattr(self.vendor.adapter, verb):
            pytest.skip(f"{self.vendor.adapter.title} has no {verb}")
        required = REQUIRED_AT_ONCE if self.vendor.ticket is None else REQUIRED
        if verb not in required:
            pytest.skip(f"{self.vendor.adapter.title} answers at once: there is nothing to {verb}")
        recorded = recordings_in(self.vendor.recordings)
        for name, kind in required[verb].items():
            if name in MODERATION and self.vendor.unmoderated:
                assert name not in recorded, f"{name} is recorded: this vendor does moderate"
                continue
            assert name in recorded, f"record {name}: it must become {kind}"
            assert recorded[name]["do"] == verb
            assert recorded[name]["outcome"]["is"] == kind, name

    def test_it_knows_moderation_unless_its_vendor_has_none(self) -> None:
        recorded = recordings_in(self.vendor.recordings)
        blocked = [name for name, one in recorded.items() if _is_blocked(one["outcome"])]
        told = [module for module in modules_of(self.vendor.adapter) if speaks_of_moderation(module)]
        if self.vendor.unmoderated:
            assert not blocked, f"{blocked} are recorded as refused by moderation: {self.vendor.unmoderated}?"
            assert not told, f"{told} tell of moderation: {self.vendor.unmoderated}?"
        else:
            assert blocked and told, "nothing is ever refused by moderation; say why, by the vendor's facts"

    async def test_a_closed_door_means_that_nothing_was_accepted(self, wire: Wire) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            origin = f"http://127.0.0.1:{taken.getsockname()[1]}"
            adapter = self.vendor.adapter(self.vendor.login(origin), wire)
            with pytest.raises(Unreachable):
                await adapter.submit(self.vendor.calls["plain"])
            # Where there is no job to ask about, asking is answered without a question.
            with pytest.raises(Broke if self.vendor.ticket is None else Unreachable):
                await adapter.check(self._any_ticket(origin))

    def test_the_adapter_is_found_by_its_file_and_says_what_it_is(self) -> None:
        adapter = self.vendor.adapter
        assert adapters()[adapter.name] is adapter
        assert adapter.title
        assert adapter.max_concurrent_default >= 1
        assert isinstance(adapter.ambiguity, Ambiguity)
        needs_find = adapter.ambiguity in {Ambiguity.FIND_BY_REFERENCE, Ambiguity.LIST_RECENT}
        assert hasattr(adapter, "find") == needs_find

    def test_the_credential_asks_for_a_secret_and_an_address_in_both_languages(self) -> None:
        asked = self.vendor.adapter.credential_fields
        assert any(one.secret for one in asked)
        assert len({one.name for one in asked}) == len(asked)
        for one in asked:
            assert one.label.en and one.label.zh
            assert not (one.secret and one.default), "a secret has no default"

    def test_optional_powers_are_had_by_having_the_method(self, wire: Wire) -> None:
        adapter = self.vendor.adapter(self.vendor.login("http://127.0.0.1:9"), wire)
        for name in ("cancel", "check_many", "find", "read_callback", "probe"):
            assert (power(adapter, name) is not None) == hasattr(adapter, name)  # type: ignore[arg-type]


def _is_blocked(outcome: Mapping[str, Any]) -> bool:
    return outcome["is"] == "Blocked" or any(output["blocked"] for output in outcome.get("outputs", ()))


def modules_of(adapter: type[Provider]) -> set[str]:
    """The modules an adapter is made of: its own, and all of its room that they use."""
    found: set[str] = set()
    ahead = {adapter.__module__}
    while ahead:
        module = ahead.pop()
        found.add(module)
        ahead |= {name for name in _imported_by(module) if name not in found}
    return found


def _imported_by(module: str) -> set[str]:
    told = [node for node in ast.walk(_tree(module)) if isinstance(node, ast.ImportFrom)]
    names = {node.module or "" for node in told}
    names |= {f"{node.module}.{alias.name}" for node in told for alias in node.names if node.module == _ROOM}
    # The errors are everybody's, and name every way to fail.
    ours = {name for name in names if name.startswith(f"{_ROOM}.") and name != f"{_ROOM}.errors"}
    return {name for name in ours if importlib.util.find_spec(name) is not None}


def speaks_of_moderation(module: str) -> bool:
    """Whether code in this module makes a `Blocked`, or marks an output as `blocked`."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Name) and node.id == "Blocked":
            return True
        if isinstance(node, ast.Call) and any(keyword.arg == "blocked" for keyword in node.keywords):
            return True
    return False


def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


def _described(outcome: Any, origin: str) -> dict[str, Any]:
    """An outcome as recordings write it down."""
    kind = type(outcome).__name__
    match outcome:
        case ProviderError():
            told = {"vendor_message": outcome.vendor_message, "retry_after_seconds": outcome.retry_after_seconds}
            again = {"again": outcome.again} if isinstance(outcome, providers.Broke) else {}
            return {"is": kind, **{name: value for name, value in told.items() if value is not None}, **again}
        case Ticket():
            data = {name: str(value).replace(origin, "{origin}") for name, value in outcome.data.items()}
            return {"is": kind, "id": outcome.id, "data": data}
        case Pending():
            return {"is": kind, "started": outcome.started, "queue_position": outcome.queue_position}
        case Done():
            outputs = [
                {
                    "kind": output.kind,
                    "url": output.url and output.url.replace(origin, "{origin}"),
                    "bytes": None if output.data is None else len(output.data),
                    "content_type": output.content_type,
                    "blocked": output.blocked,
                }
                for output in outcome.outputs
            ]
            return {"is": kind, "outputs": outputs, "facts": dict(outcome.facts)}
        case Probe():
            left = {} if outcome.balance is None else {"left": [outcome.balance.amount, outcome.balance.unit]}
            return {"is": kind, "works": outcome.problem is None, **left}
    return {"is": kind, "value": str(outcome)}
