"""What goes on from something made before goes with the credential that made it, and holds nobody else up."""

from uuid import uuid4

from tests.pipeline.fake_clock import until_idle
from tests.pipeline.test_dispatch import PROVIDER, Line, _credential
from vermilion.generation.line import Waiting
from vermilion.kit import new_id


def _join(line: Line, only: object = None) -> Waiting:
    waiting = line.join(uuid4())
    if only is not None:
        line.dispatcher.leave(PROVIDER, waiting)
        waiting = line.dispatcher.join(
            PROVIDER,
            new_id(),
            uuid4(),
            model="plain",
            priority=0,
            created_at=waiting.key[1],
            on_turn=lambda: None,
            only=only,  # type: ignore[arg-type]
        )
    return waiting


async def test_a_bound_one_takes_its_own_credential_though_another_has_more_room() -> None:
    small, large = _credential(1), _credential(10, weight=10)
    line = Line(small, large)
    waiting = _join(line, small.id)
    await until_idle()
    assert waiting.slot is not None and waiting.slot.credential.id == small.id


async def test_a_bound_one_waits_for_its_own_and_those_behind_go_on() -> None:
    small, large = _credential(1), _credential(3)
    line = Line(small, large)
    first, second = _join(line, small.id), _join(line, small.id)
    behind = [_join(line) for _ in range(3)]
    await until_idle()
    assert first.slot is not None and second.slot is None
    assert all(waiting.slot is not None for waiting in behind)
    taken = first.take()
    assert taken is not None
    taken.free()
    await until_idle()
    assert second.slot is not None and second.slot.credential.id == small.id


async def test_when_the_bound_have_gone_the_line_is_as_before() -> None:
    small = _credential(1)
    line = Line(small)
    gone = _join(line, new_id())
    await until_idle()
    assert gone.slot is None
    after = _join(line)
    await until_idle()
    assert after.slot is not None
    line.dispatcher.leave(PROVIDER, gone)
    after.slot.free()
    last = _join(line)
    await until_idle()
    assert last.slot is not None
