"""A whole house for the pipeline's tests: real rows, ledger, library and engine; clock and vendor in the test's hands.

`Studio` is what lives on when the house dies: database, vendor, files, clock. `Life` is one run of the house on it:
`crash` ends it where it stands, and nothing it began can change anything any more; `start` begins the next.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, update

from tests.pipeline.fake_clock import BEGINNING, FakeClock, InlineExecutor, until_idle
from tests.pipeline.invariants import Watchman
from tests.pipeline.vendor import PROVIDER, FakeDownloader, LightKeeper, Vendor
from vermilion import ledger
from vermilion.catalog import OpenCredential, Shelf, logins, open_credential
from vermilion.catalog.shelf import read_entries
from vermilion.catalog.tables import CredentialRow
from vermilion.db import Database, Tx
from vermilion.db.unit_of_work import Lane
from vermilion.engine import LocalEngine
from vermilion.events import EventHub, emit
from vermilion.generation import (
    TERMINAL,
    Asker,
    CallbackAddress,
    CallbackDesk,
    CallMaker,
    Collector,
    Dispatcher,
    GenerationView,
    Pace,
    Pipeline,
    Status,
    Tools,
    Wanted,
    WantedInput,
    cancel_generation,
    delete_generation,
    generation_of,
    request_generation,
    retry_generation,
    unfinished,
)
from vermilion.generation.review import resolve_uncertain
from vermilion.generation.tables import AttemptRow, GenerationRow
from vermilion.identity import Actor, create_admin
from vermilion.kit import Together, new_id
from vermilion.kit.download import Downloader
from vermilion.kit.sealed import Sealer
from vermilion.library import Keeper
from vermilion.providers import Login, Provider
from vermilion.providers import registry as provider_registry
from vermilion.storage import Storage

P = ParamSpec("P")
T = TypeVar("T")

PRICE_EACH = 10
DEADLINE_SECONDS = 600
CALLBACK_KEY = b"sandbox-key-not-secret"

CATALOG = f"""
[provider]
name = "{PROVIDER}"
title = "Atelier"

[param.num_images]
type = "integer"
minimum = 1
maximum = 8
default = 1
label = {{ en = "Pictures", zh = "张数" }}

[input.image]
label = {{ en = "Picture", zh = "图片" }}
minimum = 0
maximum = 1
wire = "image_url"
content_types = ["image/png"]
max_bytes = 1000000

[[model]]
id = "study"
endpoint = "study"
makes = "image"
name = {{ en = "Study", zh = "习作" }}
about = {{ en = "A study.", zh = "一幅习作。" }}
prompt = {{ required = true, max_chars = 500 }}
params = ["num_images"]
inputs = ["image"]
outputs_param = "num_images"
price = {{ per_output_credits = {PRICE_EACH} }}
typical_seconds = 5
deadline_seconds = {DEADLINE_SECONDS}

[[model]]
id = "sketch"
endpoint = "sketch"
makes = "image"
name = {{ en = "Sketch", zh = "速写" }}
about = {{ en = "A sketch, in a hurry.", zh = "一幅速写。" }}
prompt = {{ required = true, max_chars = 500 }}
params = ["num_images"]
outputs_param = "num_images"
price = {{ per_output_credits = {PRICE_EACH} }}
typical_seconds = 5
deadline_seconds = 10
"""


class Dead(BaseException):
    """The house died before the command that was asked of it was done."""


@dataclass
class Studio:
    """What outlives the house."""

    lane: Lane
    dialect: str
    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    vendor: Vendor = field(init=False)
    downloader: FakeDownloader = field(init=False)
    keeper: LightKeeper = field(init=False)
    shelf: Shelf = field(init=False)
    sealer: Sealer = field(default_factory=lambda: Sealer({"t": b"0" * 32}, "t"))
    life: "Life" = field(init=False)
    users: list[UUID] = field(default_factory=list)
    watchman: Watchman = field(default_factory=Watchman)
    lives: int = 0
    on_point: Callable[["Life", str], Awaitable[None]] | None = None
    """Called at every point where the house touches the world; may crash it, or let others go first."""
    admin_id: UUID = field(init=False)
    _commits_seen: int = -1

    def __post_init__(self) -> None:
        self.vendor = Vendor(self.clock, gate=self._at_vendor)
        self.downloader = FakeDownloader(self.vendor)
        self.keeper = LightKeeper(self.vendor, self.downloader)
        provider, entries = read_entries(f"{PROVIDER}.toml", CATALOG)
        self.shelf = Shelf(entries, [provider])
        self.watchman.stored = self.keeper.stored

    async def _at_vendor(self, point: str) -> None:
        await self.life.point(point)

    async def open(self, *, credentials: int = 1, users: int = 1, credits_each: int = 1000) -> "Life":
        """Make credentials and people, and begin to live."""
        asyncio.get_running_loop().set_default_executor(InlineExecutor())
        self.lane.write(lambda tx: self._furnish(tx, credentials, users, credits_each)).result()
        return await self.start()

    def _furnish(self, tx: Tx, credentials: int, users: int, credits_each: int) -> None:
        admin = create_admin(
            tx,
            "admin@example.com",
            name="Admin",
            password_hash="sandbox-hash-not-secret",
            now=BEGINNING,
            on_user_created=lambda tx, user, now: ledger.open_account(tx, user.id, now),
        )
        self.admin_id = admin.id
        for n in range(credentials):
            self.add_credential(tx, f"key {n}")
        for _ in range(users):
            user_id = uuid4()
            self.users.append(user_id)
            ledger.open_account(tx, user_id, BEGINNING)
            if credits_each:
                balance = ledger.grant(
                    tx, user_id, credits_each, reason="welcome", actor_id=None, key="welcome", now=BEGINNING
                )
                tell_balance(tx, user_id, balance, BEGINNING)

    def add_credential(self, tx: Tx, name: str, *, max_concurrent: int = 4, weight: int = 1) -> UUID:
        """One more login at the vendor."""
        credential_id = new_id()
        sealed = self.sealer.seal(json.dumps({"key": "sandbox-key-not-secret"}), bound_to=f"credential:{credential_id}")
        tx.execute(
            insert(CredentialRow).values(
                id=credential_id,
                provider=PROVIDER,
                name=name,
                fields_sealed=sealed,
                enabled=True,
                weight=weight,
                max_concurrent=max_concurrent,
                allow_private_hosts=False,
                managed_by=None,
                health_state="up",
                health_since=BEGINNING,
                last_error=None,
                cooldown_until=None,
                created_at=BEGINNING,
            )
        )
        return credential_id

    async def start(self) -> "Life":
        """Begin a life: everything that is not finished is driven from now on."""
        self.life = Life(self)
        self.lives += 1
        await self.life.engine.run()
        return self.life

    async def crash(self) -> "Life":
        """kill -9, and start again."""
        await self.life.end()
        return await self.start()

    def actor(self, user: int | UUID = 0, *, role: Literal["user", "admin"] = "user") -> Actor:
        """One of the people, signed in."""
        user_id = self.users[user] if isinstance(user, int) else user
        return Actor(user_id, role, frozenset({"read", "generate"}), uuid4(), None, None)

    def ask(self, question: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Look at the data from outside any life."""
        return self.lane.read(lambda tx: question(tx, *args, **kwargs)).result()

    def tell(self, command: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Change the data from outside any life (the terminal, an admin's script)."""
        return self.lane.write(lambda tx: command(tx, *args, **kwargs)).result()[0]

    def row(self, generation_id: UUID) -> GenerationRow:
        """A generation's row as it is now."""
        return self.ask(lambda tx: tx.get_one(GenerationRow, generation_id))

    def attempts(self, generation_id: UUID) -> list[AttemptRow]:
        """Its attempts, oldest first."""
        return self.ask(
            lambda tx: list(
                tx.scalars(
                    select(AttemptRow).where(AttemptRow.generation_id == generation_id).order_by(AttemptRow.n)
                ).all()
            )
        )

    def view(self, generation_id: UUID, user: int = 0) -> GenerationView:
        """What its person sees."""
        return self.ask(generation_of, self.users[user], generation_id)

    def balance(self, user: int = 0) -> ledger.Balance:
        """A person's balance."""
        return self.ask(ledger.balance, self.users[user])

    def change_credentials(self, **values: Any) -> None:
        """What an admin changes about every credential."""
        self.tell(lambda tx: tx.execute(update(CredentialRow).values(**values)) and None)

    def remove_credentials(self) -> None:
        """The admin deletes every credential."""
        self.tell(lambda tx: tx.execute(delete(CredentialRow)) and None)

    def jobs_of(self, generation_id: UUID) -> int:
        """How many jobs the vendor ever took on for a generation."""
        return len(self.vendor.jobs_of([str(attempt.id) for attempt in self.attempts(generation_id)]))

    def check(self) -> None:
        """Every invariant, now."""
        self.ask(self.watchman.inspect, self.clock.now())

    async def idle(self) -> None:
        """Let everybody do what they can without time passing, then look whether everything is in order."""
        await until_idle(lambda: self.life.outstanding)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, everybody acting in it as they would."""
        end = self.clock.monotonic() + seconds
        await self.idle()
        while (at := self.clock.next_at()) is not None and at <= end:
            self.clock.advance_to(at)
            await self.idle()
        self.clock.advance_to(end)
        await self.idle()

    async def until(self, done: Callable[[], bool], *, within_seconds: float = 3_000) -> None:
        """Let time pass until `done`; fails when it does not come within the time."""
        end = self.clock.monotonic() + within_seconds
        await self.idle()
        while not done():
            if self.life.dead:
                await self.crash()
                await self.idle()
                continue
            at = self.clock.next_at()
            if at is None or at > end:
                raise AssertionError(f"it never came; the rows are {self.statuses()}")
            self.clock.advance_to(at)
            await self.idle()

    async def survive(self, action: Callable[["Life"], Awaitable[T]]) -> T:
        """Do what a person or a vendor does, again if the house dies over it."""
        while True:
            life = self.life
            acting = asyncio.ensure_future(action(life))
            died = asyncio.ensure_future(life.died.wait())
            await asyncio.wait({acting, died}, return_when=asyncio.FIRST_COMPLETED)
            died.cancel()
            if not life.dead:
                return acting.result()
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
            await self.crash()

    async def until_status(self, generation_id: UUID, *statuses: Status, within_seconds: float = 3_000) -> Status:
        """Let time pass until the generation is in one of these statuses; which it is."""
        await self.until(lambda: self.row(generation_id).status in statuses, within_seconds=within_seconds)
        return Status(self.row(generation_id).status)

    async def to_the_end(self, *, within_seconds: float = 3_000) -> None:
        """Let time pass until nothing is left to do, then check everything."""
        await self.until(self._all_over, within_seconds=within_seconds)
        self._commits_seen = -1
        self.check()
        assert self.life.dead or self.life.slots_in_use() == 0, "a slot leaked"

    def _all_over(self) -> bool:
        if self.life.commits == self._commits_seen:
            return False
        self._commits_seen = self.life.commits
        return not self.ask(unfinished)

    def statuses(self) -> dict[str, str]:
        """Every generation's status."""
        rows = self.ask(lambda tx: tx.scalars(select(GenerationRow)).all())
        return {str(row.id)[-6:]: row.status for row in rows}

    async def close(self) -> None:
        """End the last life."""
        if hasattr(self, "life"):
            await self.life.end()


class LifeDatabase(Database):
    """The database as one life reaches it: each transaction is a point to die at, and none happens after death."""

    def __init__(self, life: "Life", lane: Lane, dialect: str) -> None:
        super().__init__(lane, dialect, "")
        self._life = life

    async def write(self, command: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        await self._life.point("commit begun")
        with self._life.busy():
            value = await super().write(command, *args, **kwargs)
        self._life.commits += 1
        await self._life.point("committed")
        return value

    async def read(self, question: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        await self._life.point("read")
        with self._life.busy():
            return await super().read(question, *args, **kwargs)


class NoInputs:
    """A storage where nobody's inputs are read."""


class Life:
    """One run of the house."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.dead = False
        self.died = asyncio.Event()
        self.outstanding = 0
        self.commits = 0
        self._others = asyncio.all_tasks()
        clock = studio.clock
        self.db = LifeDatabase(self, studio.lane, studio.dialect)
        self.hub = EventHub()
        self.db.listen(self.hub.on_topic)

        async def read_credentials(provider: str) -> list[OpenCredential]:
            return await self.db.read(logins, studio.sealer, provider)

        async def read_credential(credential_id: UUID) -> OpenCredential | None:
            return await self.db.read(open_credential, studio.sealer, credential_id)

        def open_adapter(_provider: str, login: Login) -> Provider:
            return cast(Provider, studio.vendor.adapter()(login))

        async def unfinished_rows() -> list[UUID]:
            return list(await self.db.read(unfinished))

        self.dispatcher = Dispatcher(read_credentials, clock, self.hub.wake_everyone)
        addresses = CallbackAddress(CALLBACK_KEY, "https://house.example")
        self.tools = Tools(
            db=self.db,
            clock=clock,
            dispatcher=self.dispatcher,
            collector=Collector(cast(Downloader, studio.downloader), cast(Keeper, studio.keeper), studio.folder),
            pace=Pace(),
            asker=Asker(clock),
            calls=CallMaker(self.db, cast(Storage, NoInputs()), addresses),
            open_adapter=open_adapter,
            open_credential=Together(read_credential),
        )
        self.pipeline = Pipeline(self.tools)
        self.engine = LocalEngine(self.pipeline.drive, unfinished_rows, clock)
        self.addresses = addresses
        self.desk = CallbackDesk(self.db, clock, self.engine, addresses, open_adapter, read_credential)

    async def point(self, name: str) -> None:
        """A place where the house touches the world."""
        if not self.dead and self.studio.on_point is not None:
            await self.studio.on_point(self, name)
        if self.dead:
            await asyncio.get_running_loop().create_future()

    def die(self) -> None:
        """From now on nothing this life does has an effect."""
        self.dead = True
        self.died.set()

    async def end(self) -> None:
        """Die, and let the memory of it be cleared away."""
        self.die()
        tasks = asyncio.all_tasks() - self._others - {cast("asyncio.Task[Any]", asyncio.current_task())}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count an operation that real threads carry out."""
        self.outstanding += 1
        try:
            yield
        finally:
            self.outstanding -= 1

    def slots_in_use(self) -> int:
        """How many slots are counted as taken, over all credentials and over all people."""
        lines = [counter.line for counter in self.dispatcher._counters.values()]
        taken = sum(sum(line.running.values()) for line in lines)
        assert taken == sum(sum(line.in_flight.values()) for line in lines)
        return taken

    async def request(
        self, *, user: int = 0, pictures: int = 1, prompt: str = "a heron", inputs: tuple[UUID, ...] = ()
    ) -> UUID:
        """Request a generation, as the API does."""
        wanted = Wanted(
            new_id(),
            "study",
            prompt,
            {"num_images": pictures},
            tuple(WantedInput("image", asset_id) for asset_id in inputs),
        )
        return await self.request_as(wanted, user=user)

    async def request_as(self, wanted: Wanted, *, user: int = 0) -> UUID:
        """The same with the id in the caller's hands, so that it can be repeated after a crash."""
        studio = self.studio
        view, _ = await self.db.write(request_generation, studio.shelf, studio.actor(user), wanted, studio.clock.now())
        self.engine.start(view.id)
        return view.id

    async def cancel(self, generation_id: UUID, *, user: int = 0) -> GenerationView:
        """The person cancels."""
        studio = self.studio
        view = await self.db.write(cancel_generation, studio.actor(user), generation_id, studio.clock.now())
        self.engine.cancel(generation_id)
        return view

    async def retry(self, generation_id: UUID, *, user: int = 0) -> GenerationView:
        """The person tries again."""
        studio = self.studio
        view = await self.db.write(
            retry_generation, studio.shelf, studio.actor(user), generation_id, studio.clock.now()
        )
        self.engine.wake(generation_id)
        return view

    async def delete(self, generation_id: UUID, *, user: int = 0) -> None:
        """The person deletes it."""
        studio = self.studio
        await self.db.write(delete_generation, studio.actor(user), generation_id, studio.clock.now())
        self.engine.wake(generation_id)

    async def resolve(
        self, generation_id: UUID, resolution: Literal["failed", "check_again"], note: str = "looked at the vendor"
    ) -> GenerationView:
        """An admin decides at the review desk."""
        studio = self.studio
        admin = studio.actor(studio.admin_id, role="admin")
        view = await self.db.write(resolve_uncertain, admin, generation_id, resolution, note, studio.clock.now())
        self.engine.wake(generation_id)
        return view

    async def callback(self, attempt_id: UUID, ticket_id: str, *, forged: bool = False) -> None:
        """The vendor calls back about an attempt."""
        headers, body = self.studio.vendor.sign(ticket_id)
        if forged:
            headers = {"x-signature": "forged"}
        token = (self.addresses.url(PROVIDER, attempt_id) or "").rpartition("/")[2]
        await self.desk.receive(PROVIDER, token, headers, body)


def tell_balance(tx: Tx, user_id: UUID, balance: ledger.Balance, now: Any) -> None:
    """The event whoever changes a balance emits."""
    emit(tx, user_id, "credits.changed", {"available": balance.available, "held": balance.held}, now)


def register(monkeypatch: Any, studio: Studio) -> None:
    """Make the vendor known to the house's registry, with the powers it has at the moment it is asked."""
    monkeypatch.setattr(provider_registry, "adapters", lambda: {PROVIDER: studio.vendor.adapter()})


__all__ = ["DEADLINE_SECONDS", "PRICE_EACH", "TERMINAL", "Life", "Status", "Studio", "deque", "register", "timedelta"]
