"""A request's way through the house, to each of its ends: what is given, and what is taken."""

from collections import deque

import pytest

from tests.pipeline.harness import PRICE_EACH, Status, Studio
from vermilion.catalog.tables import CredentialRow
from vermilion.kit.download import DownloadFailed
from vermilion.library import Unreadable
from vermilion.providers import (
    Blocked,
    Broke,
    Done,
    Drifted,
    Misconfigured,
    NotInstalled,
    Output,
    Pending,
    ProviderError,
    Rejected,
    Throttled,
    Ticket,
    Unreachable,
)
from vermilion.storage import StorageFailed


async def test_a_picture_arrives_and_is_paid_for_once(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request(pictures=2)
    assert (studio.balance().available, studio.balance().held) == (980, 20)
    await studio.until_status(made, Status.SUCCEEDED, within_seconds=60)
    view = studio.view(made)
    assert (view.settled_credits, len(view.assets), view.facts) == (2 * PRICE_EACH, 2, {"seed": 7})
    assert (studio.balance().available, studio.balance().held, studio.balance().spent) == (980, 0, 20)
    assert studio.jobs_of(made) == 1
    await studio.to_the_end()


def _outputs(studio: Studio, *kinds: str) -> Done:
    outputs = []
    for place, kind in enumerate(kinds):
        url = f"https://files.example/{kind}/{place}"
        if kind == "good":
            studio.vendor.files[url] = f"{kind} {place}".encode()
        outputs.append(Output("image", url=url, blocked=kind == "blocked"))
    return Done(tuple(outputs))


@pytest.mark.parametrize(
    ("kinds", "paid", "code"),
    [
        (("good", "blocked", "good"), 20, None),
        (("good", "good"), 20, None),
        (("good", "good", "good", "good"), 30, None),
        (("blocked", "blocked", "blocked"), 0, "provider.blocked"),
        ((), 0, "provider.empty"),
        (("gone", "good"), 10, None),
        (("gone", "gone", "gone"), 0, "output.unreachable"),
    ],
)
async def test_what_was_kept_is_paid_and_the_rest_returns(
    studio: Studio, kinds: tuple[str, ...], paid: int, code: str | None
) -> None:
    life = await studio.open()
    studio.vendor.checks = deque([_outputs(studio, *kinds)] * 3)
    made = await life.request(pictures=3)
    await studio.to_the_end(within_seconds=120)
    view = studio.view(made)
    assert view.status is (Status.SUCCEEDED if code is None else Status.FAILED)
    assert (view.failure and view.failure.code) == code
    assert studio.balance().spent == paid
    assert studio.balance().available == 1000 - paid
    assert len(view.assets) == kinds.count("good")


@pytest.mark.parametrize(
    ("answers", "code", "whose", "tries"),
    [
        ([Rejected("No.", vendor_message="bad prompt")], "provider.rejected", "user", 1),
        ([Blocked("No.")], "provider.blocked", "user", 1),
        ([Misconfigured("The key is wrong.")] * 3, "provider.misconfigured", "admin", 3),
        ([NotInstalled("A file is missing.")], "provider.not_installed", "admin", 1),
        ([Broke("It fell over.")] * 3, "provider.broke", "wait", 3),
        ([Broke("It fell over.", again=False)], "provider.broke", "wait", 1),
    ],
)
async def test_a_refused_submit_costs_nothing(
    studio: Studio, answers: list[ProviderError], code: str, whose: str, tries: int
) -> None:
    life = await studio.open()
    studio.vendor.submits = deque(answers)
    made = await life.request()
    await studio.to_the_end(within_seconds=600)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.status, view.failure.code, view.failure.whose) == (Status.FAILED, code, whose)
    assert (view.attempt, view.failure.returned_credits, studio.balance().available) == (tries, PRICE_EACH, 1000)
    assert view.failure.vendor_message == answers[0].vendor_message


@pytest.mark.parametrize(
    ("trouble", "pause"),
    [
        (Throttled("Slow down.", retry_after_seconds=40), 40),
        (Throttled("Slow down."), 2),
        (Unreachable("Nobody home."), 2),
        (Misconfigured("The key is wrong."), 60),
        (Broke("It fell over."), 1),
    ],
)
async def test_a_submit_is_tried_again_on_the_same_hold_after_the_pause_asked_for(
    studio: Studio, trouble: ProviderError, pause: float
) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([trouble])
    made = await life.request()
    await studio.pass_time(pause * 0.9)
    assert len(studio.vendor.sent) == 1
    await studio.to_the_end(within_seconds=pause + 60)
    view = studio.view(made)
    assert (view.status, view.attempt, studio.jobs_of(made)) == (Status.SUCCEEDED, 2, 1)
    assert len({call.reference for call in studio.vendor.sent}) == 2
    assert studio.balance().spent == PRICE_EACH


@pytest.mark.parametrize("asked", [float("nan"), float("inf"), 1e18, -5.0])
async def test_a_senseless_retry_after_keeps_nobody_waiting_for_ever(studio: Studio, asked: float) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([Throttled("Slow down.", retry_after_seconds=asked)])
    studio.vendor.checks = deque([Pending(started=True, retry_after_seconds=asked)])
    made = await life.request()
    await studio.to_the_end(within_seconds=3 * 3600)
    assert studio.view(made).attempt == 2


async def test_a_provider_that_is_away_all_day_ends_with_the_credits_back(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.submits = deque([Unreachable("Nobody home.")] * 10_000)
    made = await life.request()
    await studio.pass_time(3600)
    assert studio.view(made).attempt < 75, "it was asked far too often"
    studio.clock.jump(5 * 3600)
    await studio.to_the_end(within_seconds=120)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.status, view.failure.code) == (Status.FAILED, "provider.unreachable")
    assert studio.balance().available == 1000


@pytest.mark.parametrize("limit", [1, 2])
async def test_a_broken_job_is_begun_anew_on_the_same_hold_up_to_the_limit(studio: Studio, limit: int) -> None:
    life = await studio.open()
    studio.vendor.checks = deque([Broke("The worker died.")] * limit)
    made = await life.request()
    await studio.to_the_end(within_seconds=120)
    assert (studio.view(made).status, studio.view(made).attempt) == (Status.SUCCEEDED, limit + 1)
    assert studio.balance().spent == PRICE_EACH


async def test_a_job_that_breaks_three_times_is_given_up(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.checks = deque([Broke("The worker died.")] * 10)
    made = await life.request()
    await studio.to_the_end(within_seconds=120)
    assert (studio.view(made).status, studio.view(made).attempt) == (Status.FAILED, 3)
    assert studio.balance().available == 1000


@pytest.mark.parametrize("error", [Rejected("No."), Blocked("No."), Broke("No.", again=False)])
async def test_a_job_that_ends_badly_costs_nothing(studio: Studio, error: ProviderError) -> None:
    life = await studio.open()
    studio.vendor.checks = deque([Pending(started=False, queue_position=3), error])
    made = await life.request()
    await studio.to_the_end(within_seconds=120)
    assert studio.view(made).status is Status.FAILED
    assert studio.balance().available == 1000


async def test_following_survives_whatever_may_pass(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.checks = deque(
        [
            Unreachable("Nobody home."),
            Throttled("Slow down.", retry_after_seconds=20),
            Drifted("What is this?"),
            Misconfigured("The key is wrong."),
            Pending(started=True, percent=30.0),
        ]
    )
    made = await life.request()
    await studio.to_the_end(within_seconds=300)
    assert (studio.view(made).status, studio.jobs_of(made)) == (Status.SUCCEEDED, 1)


async def test_a_key_mended_while_a_job_runs_is_used_for_it(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    studio.vendor.checks = deque([Misconfigured("The key was revoked.")] * 3)
    opened: list[str] = []
    adapter = studio.vendor.adapter

    def watched() -> type:
        made_adapter = adapter()

        class Watched(made_adapter):  # type: ignore[misc, valid-type]
            async def check(self, ticket: Ticket) -> Pending | Done:
                opened.append(self.login.fields["key"])
                return await super().check(ticket)  # type: ignore[no-any-return]

        return Watched

    studio.vendor.adapter = watched  # type: ignore[method-assign]
    await studio.pass_time(8)
    await life.end()
    life = await studio.start()
    studio.vendor.checks = deque([Misconfigured("The key was revoked.")])
    await studio.until(lambda: not studio.vendor.checks)
    credential = studio.ask(lambda tx: tx.query(CredentialRow).one())
    sealed = studio.sealer.seal('{"key": "sandbox-key-mended"}', bound_to=f"credential:{credential.id}")
    studio.change_credentials(fields_sealed=sealed)
    await studio.to_the_end(within_seconds=300)
    assert studio.view(made).status is Status.SUCCEEDED
    assert opened[-1] == "sandbox-key-mended"


async def test_answers_nobody_understands_end_the_job_and_a_late_result_is_given(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.checks = deque([Drifted("What is this?")] * 5)
    studio.vendor.job_seconds = lambda: 90.0
    made = await life.request()
    await studio.until_status(made, Status.FAILED, within_seconds=80)
    assert studio.balance().available == 1000
    await studio.to_the_end(within_seconds=300)
    view = studio.view(made)
    assert (view.status, view.settled_credits, len(view.assets)) == (Status.SUCCEEDED, 0, 1)
    assert studio.balance().available == 1000


async def test_a_deadline_returns_the_credits_and_a_late_success_is_a_gift(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.powers = {"read_callback"}
    studio.vendor.job_seconds = lambda: 700.0
    made = await life.request(pictures=2)
    await studio.until_status(made, Status.FAILED, within_seconds=620)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.failure.code, studio.balance().available) == ("generation.deadline_passed", 1000)
    await studio.to_the_end(within_seconds=1000)
    view = studio.view(made)
    assert (view.status, view.settled_credits, len(view.assets)) == (Status.SUCCEEDED, 0, 2)
    assert (view.facts or {})["late"] is True
    assert (studio.balance().available, studio.balance().spent) == (1000, 0)


async def test_a_job_that_never_ends_is_not_watched_for_ever(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.powers = set()
    studio.vendor.job_seconds = lambda: 1e9
    made = await life.request()
    await studio.to_the_end(within_seconds=2 * 3600)
    assert studio.view(made).status is Status.FAILED


async def test_a_line_too_long_returns_the_credits(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    studio.change_credentials(enabled=False)
    await studio.pass_time(60)
    studio.clock.jump(6 * 3600)
    await studio.crash()
    await studio.to_the_end(within_seconds=60)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.status, view.failure.code) == (Status.FAILED, "generation.line_too_long")
    assert studio.balance().available == 1000
    assert len(studio.vendor.sent) == 0


async def test_a_credential_enabled_later_serves_who_waits(studio: Studio) -> None:
    life = await studio.open()
    made = await life.request()
    studio.change_credentials(enabled=False)
    await studio.pass_time(100)
    studio.change_credentials(enabled=True)
    await studio.until_status(made, Status.SUCCEEDED, within_seconds=60)
    await studio.to_the_end()


async def test_a_credential_removed_while_the_job_runs_costs_nothing(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.job_seconds = lambda: 100.0
    made = await life.request()
    await studio.until_status(made, Status.RUNNING)
    studio.remove_credentials()
    await studio.crash()
    await studio.to_the_end(within_seconds=300)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.status, view.failure.code) == (Status.FAILED, "provider.credential_gone")
    assert studio.balance().available == 1000
    del life


@pytest.mark.parametrize("bytes_outputs", [False, True])
async def test_a_full_disk_that_is_mended_loses_nothing(studio: Studio, bytes_outputs: bool) -> None:
    life = await studio.open()
    studio.vendor.bytes_outputs = bytes_outputs
    studio.keeper.failures = deque([StorageFailed("The disk is full.", again=True)] * 6)
    made = await life.request(pictures=2)
    await studio.to_the_end(within_seconds=600)
    assert (studio.view(made).status, len(studio.view(made).assets)) == (Status.SUCCEEDED, 2)
    assert studio.balance().spent == 20
    assert studio.downloader.fetched == {}, "downloads of failed tries were left behind"
    assert list(studio.folder.glob("*.part")) == []
    assert list(studio.folder.glob("*.held")) == []


async def test_a_disk_that_stays_full_gives_the_credits_back_in_the_end(studio: Studio) -> None:
    life = await studio.open()
    studio.keeper.failures = deque([StorageFailed("The disk is full.", again=True)] * 10_000)
    made = await life.request()
    await studio.pass_time(600)
    assert studio.view(made).status is Status.STORING
    studio.clock.jump(24 * 3600)
    await studio.to_the_end(within_seconds=120)
    view = studio.view(made)
    assert view.failure is not None
    assert (view.status, view.failure.code, view.failure.whose) == (Status.FAILED, "storage.failed", "admin")
    assert studio.balance().available == 1000


@pytest.mark.parametrize("synchronous", [False, True])
async def test_an_expired_address_is_asked_for_again(studio: Studio, synchronous: bool) -> None:
    """A vendor that answers a submit with the result itself has nobody to ask: then it is lost, and not paid."""
    life = await studio.open()
    studio.downloader.failures = deque([DownloadFailed("expired", "gone", again=False, status=403)])
    if synchronous:
        studio.vendor.submits = deque([lambda _vendor, _call: _outputs(studio, "good")])
    made = await life.request()
    await studio.to_the_end(within_seconds=300)
    view = studio.view(made)
    assert view.status is (Status.FAILED if synchronous else Status.SUCCEEDED)
    assert studio.balance().available == (1000 if synchronous else 990)
    assert len(studio.vendor.sent) == 1


async def test_an_address_that_stays_expired_is_not_asked_for_endlessly(studio: Studio) -> None:
    life = await studio.open()
    studio.downloader.failures = deque([DownloadFailed("expired", "gone", again=False, status=403)] * 1000)
    made = await life.request()
    await studio.to_the_end(within_seconds=300)
    assert studio.view(made).status is Status.FAILED
    assert len(studio.downloader.failures) > 990


async def test_garbage_is_not_paid_for(studio: Studio) -> None:
    life = await studio.open()
    studio.keeper.failures = deque([Unreadable("asset.unreadable", "It is an HTML page."), None])
    made = await life.request(pictures=2)
    await studio.to_the_end(within_seconds=300)
    view = studio.view(made)
    assert (view.status, len(view.assets), studio.balance().spent) == (Status.SUCCEEDED, 1, 10)


async def test_a_result_that_comes_with_the_submit_is_kept_whatever_happens_to_the_disk(studio: Studio) -> None:
    life = await studio.open()
    done = Done((Output("image", data=b"picture", content_type="image/png"),))
    studio.vendor.submits = deque([lambda _vendor, _call: done])
    spool = life.tools.collector._spool
    life.tools.collector._spool = studio.folder / "missing"
    made = await life.request()
    await studio.pass_time(20)
    life.tools.collector._spool = spool
    await studio.to_the_end(within_seconds=300)
    assert (studio.view(made).status, studio.balance().spent) == (Status.SUCCEEDED, 10)
    assert len(studio.vendor.sent) == 1


async def test_bytes_survive_a_crash_and_nothing_is_left_of_them_afterwards(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.bytes_outputs = True
    studio.keeper.failures = deque([StorageFailed("The disk is full.", again=True)] * 2)
    made = await life.request(pictures=2)
    await studio.until_status(made, Status.STORING)
    await studio.crash()
    for job in studio.vendor.jobs.values():
        job.forgotten = True
    await studio.to_the_end(within_seconds=300)
    assert (studio.view(made).status, len(studio.view(made).assets)) == (Status.SUCCEEDED, 2)
    assert [*studio.folder.glob("*.part"), *studio.folder.glob("*.held")] == []


async def test_what_finished_while_the_house_was_down_is_given_when_it_is_up_again(studio: Studio) -> None:
    life = await studio.open()
    studio.vendor.powers, studio.vendor.job_seconds = set(), lambda: 700.0
    made = await life.request()
    await studio.until_status(made, Status.FAILED, within_seconds=650)
    await life.end()
    studio.clock.advance_to(studio.clock.monotonic() + 3 * 3600)
    await studio.start()
    await studio.to_the_end(within_seconds=60)
    assert (studio.view(made).status, studio.balance().available) == (Status.SUCCEEDED, 1000)
