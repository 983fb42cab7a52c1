"""Storage over HTTP, for admins: where new files go, whether that works, what lies where, and moving it."""

from dataclasses import replace
from typing import Protocol, cast
from uuid import UUID

from fastapi import APIRouter, Request

from vermilion.identity import Actor, AdminActor, House, problem_responses, write_responses
from vermilion.kit import Invalid
from vermilion.kit.sealed import Sealer
from vermilion.library.keeper import Keeper
from vermilion.library.places import commands, moves, views
from vermilion.library.places.drafts import Prepared, StorageDraft, prepare
from vermilion.library.places.mover import Mover
from vermilion.library.places.trying import Tried, try_cloud, try_storage
from vermilion.library.places.views import FileMoveView, HeldList, StorageView, TriedView
from vermilion.storage import Places, StorageFailed

router = APIRouter(prefix="/admin/storage", tags=["admin"])


class StorageHouse(House, Protocol):
    """What these routes need of the house."""

    storage: Places
    keeper: Keeper
    mover: Mover

    @property
    def sealer(self) -> Sealer: ...


def house_of(request: Request) -> StorageHouse:
    """The house this request came to."""
    return cast(StorageHouse, request.app.state.house)


@router.get("", responses=problem_responses(401, 403), summary="Where files lie")
async def get_storage(_actor: AdminActor, request: Request) -> StorageView:
    """Where new files go, every place there is, and the latest move."""
    return await storage_of(house_of(request))


@router.put("", responses=write_responses(401), summary="Choose where new files go")
async def put_storage(body: StorageDraft, actor: AdminActor, request: Request) -> StorageView:
    """It is tested first and effective at once on every node; what lies elsewhere stays there until it is moved."""
    return await choose(house_of(request), actor, body)


@router.post("/test", responses=write_responses(401), summary="Test a storage")
async def post_storage_test(_actor: AdminActor, request: Request, body: StorageDraft | None = None) -> TriedView:
    """Write a small file, read it back, compare, delete it: in what the body says, or else where new files go."""
    return views.tried_view(await try_out(house_of(request), body))


@router.get("/files", responses=problem_responses(401, 403), summary="What lies where")
async def get_storage_files(_actor: AdminActor, request: Request) -> HeldList:
    """Files and bytes by place."""
    return await house_of(request).db.read(views.held_list)


@router.post("/move", status_code=202, responses=write_responses(401, 409), summary="Move files")
async def post_storage_move(actor: AdminActor, request: Request) -> FileMoveView:
    """Move every file to where new files go, in the background; each is copied, read back, switched, then deleted."""
    return await begin_move(house_of(request), actor)


@router.delete("/move", status_code=204, responses=write_responses(401), summary="Stop moving files")
async def delete_storage_move(actor: AdminActor, request: Request) -> None:
    """What was moved stays moved; everything can be read wherever it lies."""
    house = house_of(request)
    await house.db.write(moves.stop_move, actor, house.clock.now())


@router.delete(
    "/places/{place_id}", status_code=204, responses=write_responses(401, 404, 409), summary="Forget a place"
)
async def delete_storage_place(place_id: UUID, actor: AdminActor, request: Request) -> None:
    """Forget a place in a cloud, and its login, once nothing lies there."""
    house = house_of(request)
    await house.db.write(commands.forget_place, house.sealer, actor, place_id, house.clock.now())


async def storage_of(house: StorageHouse) -> StorageView:
    """Everything an admin sees at once."""
    return await house.db.read(views.storage_view, house.sealer, house.mover.problem)


async def choose(house: StorageHouse, actor: Actor | None, draft: StorageDraft) -> StorageView:
    """Have new files go there. Raises `Invalid`: a field, or `storage.not_usable` with what the test found."""
    prepared = await house.db.read(prepare, house.sealer, draft)
    if prepared is not None:
        prepared = await _tested(house, prepared)
    await house.db.write(commands.choose_place, house.sealer, actor, prepared, house.clock.now())
    return await storage_of(house)


async def try_out(house: StorageHouse, draft: StorageDraft | None) -> Tried:
    """Test what a draft says; without one, where new files go."""
    if draft is None:
        try:
            return await house.storage.try_receiving(lambda place: try_storage(place, house.keeper.spool_dir))
        except StorageFailed as error:
            return Tried(0, "open", error.reason, error.detail)
    prepared = await house.db.read(prepare, house.sealer, draft)
    if prepared is None:
        return await try_storage(house.storage.folder, house.keeper.spool_dir)
    return await try_cloud(prepared, house.keeper.spool_dir)


async def begin_move(house: StorageHouse, actor: Actor | None) -> FileMoveView:
    """Begin to move every file to where new files go. Raises `Conflict` while one runs."""
    try:
        row = await house.db.write(moves.start_move, actor, house.clock.now())
    finally:
        # Also where one runs already: whoever asks again may have seen that nothing goes on.
        house.mover.start()
    view = await house.db.read(views.move_view, None)
    if view is None:
        raise LookupError(f"move {row.id} is gone")
    return view


async def _tested(house: StorageHouse, prepared: Prepared) -> Prepared:
    """What passed the test, as the known place it is another address of, should it be one."""
    seen: list[UUID] = []

    async def look(key: str) -> None:
        if prepared.place_id is None:
            seen.extend(await house.storage.seen_in(key))

    tried = await try_cloud(prepared, house.keeper.spool_dir, look)
    if tried.step is not None:
        raise Invalid(
            "storage.not_usable",
            tried.detail or "The storage could not be used.",
            extras={"step": tried.step, "reason": tried.reason},
        )
    # As a second place it would be moved into itself.
    return replace(prepared, place_id=seen[0]) if seen else prepared
