"""What lives long is opened and closed here, in one place and in order."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from uuid import UUID

import structlog

from vermilion import ledger
from vermilion.billing import PaymentDesk
from vermilion.catalog import CREDENTIALS_TOPIC, OpenCredential, Shelf, load_shelf, logins, open_credential
from vermilion.db import Database, Tx, open_database
from vermilion.engine import LocalEngine
from vermilion.events import EventHub, emit, forget_events
from vermilion.generation import (
    TALLIES_KEPT,
    Asker,
    CallbackAddress,
    CallbackDesk,
    CallMaker,
    Collector,
    Dispatcher,
    Pace,
    Pipeline,
    Tools,
    forget_tallies,
    unfinished,
)
from vermilion.identity import (
    Limiter,
    PasswordHashing,
    Quotas,
    UserRow,
    delete_ended_sessions,
    forget_codes,
    read_choices,
)
from vermilion.kit import Clock, SystemClock, Together
from vermilion.kit.download import Downloader
from vermilion.kit.sealed import Sealer, load_or_create_key
from vermilion.library import Keeper, Mover, purge_files, signed_link
from vermilion.providers import Login, Provider, Wire, adapters
from vermilion.settings import Settings
from vermilion.sms import SmsWire
from vermilion.storage import LocalStorage, Places

log = structlog.get_logger(__name__)

HOUSEKEEPING_SECONDS = 3600.0
FILE_ADDRESS_LIFE = timedelta(hours=12)
"""How long a provider may fetch a file that was given to a job: jobs may wait long before they begin."""

TRASH_KEPT = timedelta(days=30)
DELETIONS_TOLD = timedelta(days=7)
"""How long a client may be away and still be told by events alone what was deleted meanwhile."""

SPOOL_LEFTOVER = timedelta(days=2)
"""Older files in the spool belong to nobody: longer than any result is tried to be stored."""


@dataclass(slots=True)
class House:
    """Everything that lives as long as the server; the rooms' `House` protocols name what each needs of it."""

    settings: Settings
    db: Database
    clock: Clock
    shelf: Shelf
    sealer: Sealer
    hasher: PasswordHashing
    limiter: Limiter
    storage: Places
    keeper: Keeper
    mover: Mover
    downloader: Downloader
    hub: EventHub
    dispatcher: Dispatcher
    engine: LocalEngine
    callback_desk: CallbackDesk
    sms_wire: SmsWire
    sms_code_key: bytes
    link_key: bytes
    code_key: bytes
    payments: PaymentDesk
    open_adapter: Callable[[str, Login], Provider]
    max_upload_bytes: int
    secure_cookies: bool
    public_origins: frozenset[str]
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    sandbox: bool = False
    first_admin_token: str | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def adapter(self, provider: str, login: Login) -> Provider:
        """The provider's adapter, speaking with this login."""
        return self.open_adapter(provider, login)

    def in_flight(self, credential_id: UUID) -> int:
        """How many jobs run on a credential."""
        return self.dispatcher.in_flight(credential_id)

    @property
    def on_user_created(self) -> Callable[[Tx, UserRow, datetime], None]:
        """Gives a new person an account and the operator's welcome."""
        return welcome

    @property
    def credits_of(self) -> Callable[[Tx, UUID], dict[str, int]]:
        """A person's balance, for the views identity makes."""
        return credits_of


def welcome(tx: Tx, user: UserRow, now: datetime) -> None:
    """Open the account of a new person and grant what the operator chose as a welcome."""
    ledger.open_account(tx, user.id, now)
    amount = read_choices(tx).welcome_credits
    if amount > 0:
        balance = ledger.grant(tx, user.id, amount, reason="welcome", actor_id=None, key="welcome", now=now)
        emit(tx, user.id, "credits.changed", {"available": balance.available, "held": balance.held}, now)


def credits_of(tx: Tx, user_id: UUID) -> dict[str, int]:
    """What a person has, as the views show it."""
    balance = ledger.balance(tx, user_id)
    return {"available": balance.available, "held": balance.held, "spent": balance.spent}


def derived_key(sealer_path: Path, purpose: str) -> bytes:
    """A key for one purpose (callbacks, links, codes), from the first line of the key file: it survives rotation."""
    first = sealer_path.read_bytes().splitlines()[0]
    return hmac.new(first, purpose.encode(), hashlib.sha256).digest()


@asynccontextmanager
async def open_house(settings: Settings, *, clock: Clock | None = None, sandbox: bool = False) -> AsyncIterator[House]:
    """Open everything on the running event loop, begin to drive what is unfinished; close it all on leaving.

    The schema must be up to date (`vermilion db upgrade`).
    """
    clock = clock or SystemClock()
    data = settings.data.resolve()
    spool, files = data / "spool", data / "files"
    for folder in (data, spool, files):
        folder.mkdir(parents=True, exist_ok=True)
    key_path = data / "secret.key"
    async with contextlib.AsyncExitStack() as stack:
        sealer = load_or_create_key(key_path)
        shelf = load_shelf()
        db = open_database(settings.url_of_database)
        stack.callback(db.close)
        hasher = PasswordHashing()
        stack.callback(hasher.close)
        wire = Wire.open()
        stack.push_async_callback(wire.close)
        sms_wire = SmsWire.open()
        stack.push_async_callback(sms_wire.close)
        downloader = Downloader.open()
        stack.push_async_callback(downloader.close)
        storage = Places(LocalStorage(files), db, sealer, clock, spool)
        stack.callback(storage.close)
        keeper = Keeper(storage, spool, workers=settings.workers)
        stack.push_async_callback(keeper.close)
        hub = EventHub()
        db.listen(hub.on_topic)

        def open_adapter(provider: str, login: Login) -> Provider:
            return adapters()[provider](login, wire)

        async def read_credentials(provider: str) -> Sequence[OpenCredential]:
            return await db.read(logins, sealer, provider)

        async def read_credential(credential_id: UUID) -> OpenCredential | None:
            return await db.read(open_credential, sealer, credential_id)

        dispatcher = Dispatcher(read_credentials, clock, hub.wake_everyone)
        stack.push_async_callback(dispatcher.stop)

        def on_topic(topic: str) -> None:
            # What an admin mended must not wait out the pause its failure had earned.
            if topic == CREDENTIALS_TOPIC:
                dispatcher.credentials_changed()

        db.listen(on_topic)
        reachable = settings.callback_url or settings.public_url or (settings.address if sandbox else None)
        addresses = CallbackAddress(derived_key(key_path, "callbacks"), reachable)
        link_key = derived_key(key_path, "links")

        def file_address(asset_id: UUID) -> str | None:
            if reachable is None:
                return None
            return reachable.rstrip("/") + signed_link(link_key, asset_id, clock.now() + FILE_ADDRESS_LIFE)

        pipeline = Pipeline(
            Tools(
                db=db,
                clock=clock,
                dispatcher=dispatcher,
                collector=Collector(downloader, keeper, spool),
                pace=Pace(),
                asker=Asker(clock),
                calls=CallMaker(db, storage, addresses, file_address),
                open_adapter=open_adapter,
                open_credential=Together(read_credential),
            )
        )

        async def unfinished_rows() -> Sequence[UUID]:
            return await db.read(unfinished)

        engine = LocalEngine(pipeline.drive, unfinished_rows, clock)
        house = House(
            settings=settings,
            db=db,
            clock=clock,
            shelf=shelf,
            sealer=sealer,
            hasher=hasher,
            limiter=Limiter(Quotas() if settings.rate_limits else Quotas.none(), clock),
            storage=storage,
            keeper=keeper,
            mover=Mover(db, storage, clock),
            downloader=downloader,
            hub=hub,
            dispatcher=dispatcher,
            engine=engine,
            callback_desk=CallbackDesk(db, clock, engine, addresses, open_adapter, read_credential),
            sms_wire=sms_wire,
            sms_code_key=derived_key(key_path, "codes to phones"),
            link_key=link_key,
            code_key=derived_key(key_path, "redemption codes"),
            payments=PaymentDesk(
                db,
                clock,
                wire,
                sealer,
                reachable=settings.callback_url or settings.address,
                address=settings.address,
            ),
            open_adapter=open_adapter,
            max_upload_bytes=settings.max_upload_bytes,
            secure_cookies=settings.address.startswith("https://"),
            public_origins=frozenset({settings.public_url} if settings.public_url else ()),
            trusted_proxies=settings.proxy_networks,
            sandbox=sandbox,
        )
        await asyncio.to_thread(_sweep_spool, spool, clock.now())
        stack.push_async_callback(engine.stop)
        await engine.run()
        stack.push_async_callback(house.mover.stop)
        for chore in (_keep_house(house), house.payments.keep_sweeping()):
            stack.push_async_callback(_end, asyncio.create_task(chore))
        stack.callback(hub.stop)
        yield house


async def _keep_house(house: House) -> None:
    """Once an hour: what the trash held long enough, sessions and codes that ended, deletions everybody was told of."""
    # What was being moved when the house was stopped.
    house.mover.start()
    while True:
        await house.clock.sleep(HOUSEKEEPING_SECONDS)
        now = house.clock.now()
        try:
            await house.db.write(delete_ended_sessions, now)
            await house.db.write(forget_codes, now)
            await house.db.write(forget_events, now - DELETIONS_TOLD)
            await house.db.write(forget_tallies, now - TALLIES_KEPT)
            await purge_files(house.db, house.storage, now - TRASH_KEPT, now)
            await asyncio.to_thread(_sweep_spool, house.keeper.spool_dir, now)
        except Exception:
            # The outermost rim of a background loop: it must outlive a database that is away.
            log.exception("house.keeping_failed")


def _sweep_spool(spool: Path, now: datetime) -> None:
    for path in spool.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if now.timestamp() - path.stat().st_mtime > SPOOL_LEFTOVER.total_seconds():
                path.unlink()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
