"""How an adapter understands a vendor that fails: at the submit, by how a job ends, and at a single question.

A vendor's test inherits `UnderstandsFailures`, has a fixture `played` (a `Playing` that says what is `asked`), and
fills in what must be made of each of the sandbox's markers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest

from tests.providers.playing import Playing
from vermilion.providers import Ambiguous, ProviderError


@dataclass(frozen=True)
class Bad:
    """A marker, what must become of it, whether a failed job may be asked for again, and the way that is gone."""

    marker: str
    error: type[ProviderError]
    again: bool | None = None
    way: str = ""

    def __str__(self) -> str:
        return f"{self.way}-{self.marker}" if self.way else self.marker


def bad(error: type[ProviderError], *markers: str, again: bool | None = None, way: str = "") -> tuple[Bad, ...]:
    """Markers that all become the same."""
    return tuple(Bad(marker, error, again, way) for marker in markers)


def on_every_way(
    ways: Iterable[str], bad: Iterable[Bad], but: Mapping[tuple[str, str], type[ProviderError]] | None = None
) -> tuple[Bad, ...]:
    """The same on several ways, `but` for these, by way and marker."""
    other = but or {}
    return tuple(
        Bad(each.marker, other.get((way, each.marker), each.error), each.again, way) for way in ways for each in bad
    )


class UnderstandsFailures:
    """Inherit, and fill in."""

    bad_submits: ClassVar[Sequence[Bad]]
    bad_endings: ClassVar[Sequence[Bad]]
    bad_questions: ClassVar[Sequence[Bad]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        for kind in ("bad_submit", "bad_ending", "bad_question"):
            if kind in metafunc.fixturenames:
                metafunc.parametrize(kind, getattr(self, f"{kind}s"), ids=str)

    async def test_a_submit_that_fails_says_whose_move_it_is(self, played: Playing, bad_submit: Bad) -> None:
        with pytest.raises(ProviderError) as raised:
            await played.way(bad_submit.way).submit(played.asked(f"a fox [[{bad_submit.marker}]]"))
        assert type(raised.value) is bad_submit.error
        if bad_submit.error is not Ambiguous:
            assert await played.jobs() == [], "only a doubtful answer may hide a job"
        if bad_submit.marker == "throttle":
            assert raised.value.retry_after_seconds == 1

    async def test_a_job_that_ends_badly_says_whose_move_it_is(self, played: Playing, bad_ending: Bad) -> None:
        with pytest.raises(ProviderError) as raised:
            await played.make(played.asked(f"a fox [[{bad_ending.marker}]] [[queue:0.05]]"), played.way(bad_ending.way))
        assert type(raised.value) is bad_ending.error
        assert getattr(raised.value, "again", None) is bad_ending.again

    async def test_a_question_that_fails_once_is_answered_the_next_time(
        self, played: Playing, bad_question: Bad
    ) -> None:
        adapter = played.way(bad_question.way)
        ticket = await adapter.submit(played.asked(f"a fox [[{bad_question.marker}]] [[slow:0.3]]"))
        with pytest.raises(ProviderError) as raised:
            await played.end(ticket, adapter)
        assert type(raised.value) is bad_question.error
        assert (await played.end(ticket, adapter)).outputs
