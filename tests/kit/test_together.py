"""Asking once for everybody."""

import asyncio

import pytest

from vermilion.kit.together import Together


async def test_who_asks_while_an_answer_is_on_its_way_shares_it_and_nobody_gets_an_old_one() -> None:
    asked: list[str] = []
    go_on = asyncio.Event()

    async def ask(key: str) -> str:
        asked.append(key)
        await go_on.wait()
        return f"{key} {len(asked)}"

    together = Together(ask)
    waiting = [asyncio.create_task(together(key)) for key in ("a", "a", "b", "a")]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    go_on.set()
    left = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(left[0], asyncio.CancelledError)
    assert left[1:] == ["a 2", "b 2", "a 2"]
    assert await together("a") == "a 3"
    assert asked == ["a", "b", "a"]


async def test_a_failure_reaches_everybody_and_the_next_one_asks_again() -> None:
    answers = iter([RuntimeError("away"), 7])

    async def ask(_: str) -> int:
        await asyncio.sleep(0)
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    together = Together(ask)
    both = await asyncio.gather(together("a"), together("a"), return_exceptions=True)
    assert [type(each) for each in both] == [RuntimeError, RuntimeError]
    assert await together("a") == 7
    with pytest.raises(StopIteration):
        next(answers)
