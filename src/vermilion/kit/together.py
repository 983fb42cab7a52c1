"""Asking once for everybody: for those who ask the same, and for those who ask the like at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
    """Gathers what is asked for in one turn of the event loop, and asks for all of it in one question.

    Like `Together` it keeps nothing: each answer is looked for after it was asked for.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], most: int) -> None:
        self._ask = ask
        self._most = most
        self._gathered: dict[K, list[asyncio.Future[V | None]]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def __call__(self, key: K) -> V | None:
        """The answer for `key`, None where there is none; raises what asking raises."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[V | None] = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._set_out)
        self._gathered.setdefault(key, []).append(waiting)
        return await waiting

    def _set_out(self) -> None:
        gathered, self._gathered = list(self._gathered.items()), {}
        for first in range(0, len(gathered), self._most):
            asking = asyncio.get_running_loop().create_task(self._answer(dict(gathered[first : first + self._most])))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)

    async def _answer(self, gathered: dict[K, list[asyncio.Future[V | None]]]) -> None:
        try:
            answers = await self._ask(list(gathered))
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to each of those who wait here
            for waiting in gathered.values():
                for one in waiting:
                    if not one.done():
                        one.set_exception(error)
            return
        for key, waiting in gathered.items():
            for one in waiting:
                if not one.done():
                    one.set_result(answers.get(key))
