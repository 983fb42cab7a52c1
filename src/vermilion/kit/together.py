"""Asking once for everybody: for those who ask the same, and for those who ask the like at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Together(Generic[K, V]):
    """Shares answers under way, and keeps none: an answer is never older than the moment somebody asked for it.

    A thousand rows that are taken up again after a restart ask about the same credential at once.
    """

    def __init__(self, ask: Callable[[K], Awaitable[V]]) -> None:
        self._ask = ask
        self._under_way: dict[K, asyncio.Task[V]] = {}

    async def __call__(self, key: K) -> V:
        """The answer for `key`; raises what asking raises."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.get_running_loop().create_task(self._answer(key))
        # One who leaves must not take the answer away from the others.
        return await asyncio.shield(task)

    async def _answer(self, key: K) -> V:
        try:
            return await self._ask(key)
        finally:
            del self._under_way[key]


class Gathered(Generic[K, V]):
    """Gathers what is asked for while a question is under way, and asks for all of it in the next one.

    Like `Together` it keeps nothing: each answer is looked for after it was asked for. There is one question at a
    time, for at most `most` keys, so what a thousand ask for at once never lies in memory all at once.

    Where the answer for a key is an exception, it is raised to those who asked for that key; where the question
    itself fails, to everybody in it.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V | Exception]]], most: int) -> None:
        self._ask = ask
        self._most = most
        self._gathered: dict[K, list[asyncio.Future[V | None]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, key: K) -> V | None:
        """The answer for `key`, None where there is none; raises what asking raises."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[V | None] = loop.create_future()
        self._gathered.setdefault(key, []).append(waiting)
        if self._asking is None:
            self._asking = loop.create_task(self._answer_all())
        return await waiting

    async def _answer_all(self) -> None:
        try:
            while self._gathered:
                keys = list(islice(self._gathered, self._most))
                await self._answer({key: self._gathered.pop(key) for key in keys})
        finally:
            self._asking = None

    async def _answer(self, asked: dict[K, list[asyncio.Future[V | None]]]) -> None:
        try:
            answers = await self._ask(list(asked))
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to each of those who wait here
            for waiting in _still_there(asked.values()):
                waiting.set_exception(error)
            return
        for key, those in asked.items():
            answer = answers.get(key)
            for waiting in _still_there([those]):
                if isinstance(answer, Exception):
                    waiting.set_exception(answer)
                else:
                    waiting.set_result(answer)


def _still_there(groups: "Iterable[list[asyncio.Future[V]]]") -> "list[asyncio.Future[V]]":
    return [waiting for group in groups for waiting in group if not waiting.done()]
