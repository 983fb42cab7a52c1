"""One way to reach the database: plain functions on a transaction, run on the database's own threads.

`await db.write(command, …)` has committed when it returns; `await db.read(question, …)` sees one snapshot.
A function gets the transaction as its first argument and must not wait for anything but the database, so a
transaction can never span a network call. A write may run twice (after a deadlock, or alone after a shared
commit failed), therefore it changes nothing but the transaction; what must happen once it is durable is
registered with `after_commit`.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.orm import Session

Tx = Session
"""A transaction. Only this room commits it."""

P = ParamSpec("P")
T = TypeVar("T")

_HOOKS = "vermilion.after_commit"
_LISTENERS = "vermilion.listeners"


def after_commit(tx: Tx, hook: Callable[[], None]) -> None:
    """Run `hook` once the transaction is durable; it is forgotten when the transaction rolls back.

    The hook runs on the event loop's thread when the write came from one, and must not block.
    """
    tx.info.setdefault(_HOOKS, []).append(hook)


def announce(tx: Tx, topic: str) -> None:
    """Tell the database's listeners of `topic` once the transaction is durable."""

    def tell() -> None:
        for listener in tx.info.get(_LISTENERS, ()):
            listener(topic)

    after_commit(tx, tell)


def run_joined(connection: Connection, work: Callable[[Tx], T]) -> tuple[T, list[Callable[[], None]]]:
    """Run `work` in the transaction that is open on `connection`; its result, and what to do once that is durable.

    The session only joins: committing and rolling back stay with the lane.
    """
    tx = Session(connection, autoflush=False, expire_on_commit=False, join_transaction_mode="rollback_only")
    try:
        value = work(tx)
        tx.flush()
        return value, list(tx.info.get(_HOOKS, ()))
    finally:
        tx.expunge_all()
        tx.close()


class Lane(Protocol):
    """Where transactions of one kind of database are run."""

    def write(self, work: Callable[[Tx], T]) -> "Future[tuple[T, list[Callable[[], None]]]]": ...

    def read(self, work: Callable[[Tx], T]) -> "Future[T]": ...

    def close(self) -> None: ...


class Database:
    """The door to the database for the async world (`write`, `read`) and for the terminal (`write_now`, `read_now`)."""

    def __init__(self, lane: Lane, dialect: str, url: str) -> None:
        self._lane = lane
        self._listeners: list[Callable[[str], None]] = []
        self.dialect = dialect
        """`sqlite` or `postgresql`."""
        self.url = url

    async def write(self, command: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `command(tx, …)` in a transaction; when this returns it is committed, when it raises nothing changed."""
        # The hooks are run on the way back rather than after the await: what follows a commit must follow it even
        # when the caller was cancelled meanwhile.
        value, _ = await _brought_back(self._lane.write(self._bound(command, *args, **kwargs)), _run_hooks)
        return value

    async def read(self, question: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `question(tx, …)` on one consistent snapshot."""
        return await _brought_back(self._lane.read(lambda tx: question(tx, *args, **kwargs)))

    def write_now(self, command: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`write` for callers without an event loop: it blocks until committed."""
        committed = self._lane.write(self._bound(command, *args, **kwargs))
        value, _ = committed.result()
        _run_hooks(committed)
        return value

    def read_now(self, question: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`read` for callers without an event loop."""
        return self._lane.read(lambda tx: question(tx, *args, **kwargs)).result()

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener(topic)` after every commit that announced a topic; it must not block."""
        self._listeners.append(listener)

    def _bound(
        self, command: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Callable[[Tx], T]:
        def work(tx: Tx) -> T:
            tx.info[_LISTENERS] = self._listeners
            return command(tx, *args, **kwargs)

        return work

    def close(self) -> None:
        """Finish what was accepted, then close every connection."""
        self._lane.close()


async def _brought_back(work: "Future[T]", then: "Callable[[Future[T]], None]" = lambda _: None) -> T:
    """The result of work on another thread; `then` has run on the event loop before the caller goes on.

    What `asyncio.wrap_future` does, with one wake-up of the loop instead of two.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[T] = loop.create_future()

    def deliver() -> None:
        try:
            then(work)
        finally:
            if not waiting.done():
                _copy(work, waiting)

    work.add_done_callback(lambda _: loop.call_soon_threadsafe(deliver))
    try:
        return await waiting
    except asyncio.CancelledError:
        # What has not begun need not; what has is finished without us.
        work.cancel()
        raise


def _copy(done: "Future[T]", waiting: "asyncio.Future[T]") -> None:
    if done.cancelled():
        waiting.cancel()
    elif (error := done.exception()) is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(done.result())


def _run_hooks(committed: "Future[tuple[Any, list[Callable[[], None]]]]") -> None:
    if committed.cancelled() or committed.exception() is not None:
        return
    for hook in committed.result()[1]:
        hook()
