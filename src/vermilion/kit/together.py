"""Asking once for everybody: who asks the same while an answer is on its way gets that answer too."""

import asyncio
from collections.abc import Awaitable, Callable
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
