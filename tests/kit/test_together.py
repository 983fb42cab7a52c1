"""Asking once for everybody."""

import asyncio
from collections.abc import Sequence

import pytest

from vermilion.kit.together import Gathered, Together


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


async def test_what_is_asked_for_during_a_question_goes_into_the_next_one() -> None:
    asked: list[list[int]] = []
    go_on = asyncio.Event()

    async def ask(keys: Sequence[int]) -> dict[int, int]:
        asked.append(list(keys))
        await go_on.wait()
        return {key: key * 10 + len(asked) for key in keys if key != 4}

    gathered = Gathered(ask, most=3)
    first = asyncio.create_task(gathered(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(gathered(key)) for key in (2, 1, 3, 4, 2)]
    await asyncio.sleep(0)
    others[0].cancel()
    go_on.set()
    assert await first == 11
    left = await asyncio.gather(*others, return_exceptions=True)
    assert isinstance(left[0], asyncio.CancelledError)
    # The second answer for 1 was looked for after it was asked for; of 4 there is none.
    assert left[1:] == [12, 32, None, 22]
    assert asked == [[1], [2, 1, 3], [4]]


async def test_a_failed_question_fails_for_those_in_it_alone() -> None:
    async def ask(keys: Sequence[int]) -> dict[int, int]:
        await asyncio.sleep(0)
        if 1 in keys:
            raise RuntimeError("away")
        return dict.fromkeys(keys, 7)

    gathered = Gathered(ask, most=2)
    answers = await asyncio.gather(*(gathered(key) for key in (1, 2, 3)), return_exceptions=True)
    assert [type(each) for each in answers] == [RuntimeError, RuntimeError, int]
    assert await gathered(2) == 7


async def test_an_answer_that_is_a_failure_is_only_that_of_its_key() -> None:
    async def ask(keys: Sequence[int]) -> dict[int, int | Exception]:
        return {key: RuntimeError("not that one") if key == 2 else key for key in keys}

    gathered = Gathered(ask, most=9)
    asking = [asyncio.create_task(gathered(key)) for key in (1, 2, 2, 3)]
    await asyncio.wait(asking)
    assert [type(task.exception()) for task in asking] == [type(None), RuntimeError, RuntimeError, type(None)]
    assert (asking[0].result(), asking[3].result()) == (1, 3)
