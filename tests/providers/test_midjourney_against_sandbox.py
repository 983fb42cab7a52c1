"""The adapter and the sandbox were written from the same facts; here they meet, by way of the catalog and the house."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.library.files import plain
from tests.providers.asking import called, entries_of, given
from tests.providers.failing import UnderstandsFailures, bad
from tests.providers.playing import Playing
from vermilion.catalog import Entry
from vermilion.providers import (
    Ambiguous,
    Blocked,
    Broke,
    Call,
    Canceled,
    Done,
    Drifted,
    Lost,
    Misconfigured,
    NotInstalled,
    Rejected,
    Throttled,
    Ticket,
    Unreachable,
    power,
)

PARTS = {"original": "java", "extended": "fork", "relay": "relay"}
OURS = entries_of("midjourney")


class Played(Playing):
    """Playing, with each of the three kinds of proxy."""

    def way(self, kind: str, **fields: str) -> Any:
        base = self.fields["base_url"].replace("/fork", f"/{PARTS[kind]}")
        return self.adapter(**{"base_url": base, **fields})

    def asked(self, prompt: str) -> Call:
        return called("midjourney-v7", prompt)


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    async with Played.open("midjourney") as opened:
        yield opened


def inputs_of(entry: Entry) -> list[Any]:
    return [
        given(role.role, plain(colour="white" if role.role == "mask" else "teal"))
        for role in entry.inputs
        for _ in range(max(role.minimum, 1 if role.role in {"image", "style", "omni", "character"} else 0))
    ]


@pytest.mark.parametrize("entry", [entry for entry in OURS if entry.continues == "nothing"], ids=lambda entry: entry.id)
async def test_every_model_makes_what_it_says_and_midjourney_takes_every_flag(played: Played, entry: Entry) -> None:
    adapter = played.way("extended")
    said: dict[str, Any] = {}
    for param in entry.params:
        high = getattr(param, "maximum", None)
        choices = getattr(param, "choices", ())
        if param.name in {"style_reference", "character_reference", "omni_reference"}:
            continue
        if choices:
            said[param.name] = choices[-1].value
        elif high is not None:
            said[param.name] = high
        else:
            said[param.name] = True if param.type == "boolean" else "default" if param.name == "profile" else "snow"
    call = called(entry.id, "a red fox" if entry.prompt else "", *inputs_of(entry), **said)
    result = await played.make(call, adapter)
    if entry.makes == "text":
        assert result.facts["texts"]
        return
    cells = sum((output.grid or (1, 1))[0] * (output.grid or (1, 1))[1] for output in result.outputs)
    assert cells == entry.quote(entry.accept_params(said)).expected_outputs
    assert {output.kind for output in result.outputs} == {entry.makes}


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("told", ["auto", "as it is"])
async def test_each_dialect_is_recognised_and_makes_pictures_and_what_follows(
    played: Played, kind: str, told: str
) -> None:
    dialect = "auto" if told == "auto" else kind
    probe = power(played.way(kind, dialect=dialect), "probe")
    assert probe is not None
    answer = await probe()
    assert answer.problem is None
    assert {"original": "original", "extended": "extended", "relay": "gateway"}[kind] in answer.account
    adapter = played.way(kind, dialect=dialect)
    grid = await played.make(called("midjourney-v7", "a red fox", speed="turbo"), adapter)
    (sheet,) = grid.outputs
    assert sheet.grid == (2, 2)
    assert (await played.fetch(sheet.url or ""))[0] == 200
    for action in (sheet.cell_actions[1][0], sheet.cell_actions[2][1], sheet.actions[0]):
        call = replace(
            called(action["model"], "", **action["params"]), parent=grid.ticket.data if grid.ticket else None
        )
        follow = await played.make(call, adapter)
        assert follow.outputs
    jobs = [job for job in await played.jobs() if job["vendor"] == "midjourney"]
    assert len(jobs) == 4


async def test_a_wrong_kind_is_named_by_the_connection_test(played: Played) -> None:
    assert "set the kind of proxy to extended" in ((await played.probe(dialect="original")).problem or "")
    assert (await played.probe(secret="wrong-not-secret")).problem
    assert (await played.probe(base_url=f"{played.origin}/nowhere")).problem


async def test_what_the_original_cannot_do_is_said_of_the_credential(played: Played) -> None:
    adapter = played.way("original")
    for call in (called("midjourney-shorten", "a fox"), called("midjourney-edit", "a fox", given("image", plain()))):
        with pytest.raises(NotInstalled):
            await adapter.submit(call)
    with pytest.raises(NotInstalled):
        await adapter.submit(called("midjourney-v7", "a fox", given("style", plain())))


class TestFailures(UnderstandsFailures):
    bad_submits = (
        *bad(Unreachable, "refuse:3", way="extended"),
        *bad(Rejected, "refuse:4", way="extended"),
        *bad(Broke, "refuse:9", way="extended"),
        *bad(Throttled, "refuse:concurrent", "throttle", way="extended"),
        *bad(Misconfigured, "refuse:daily", "unauthorized", way="extended"),
        *bad(Ambiguous, "html-502", "error-500", "lost-answer", way="extended"),
        *bad(Ambiguous, "html-200@submit", "truncated-json@submit", way="extended"),
        *bad(Throttled, "refuse:23", way="original"),
        *bad(Blocked, "refuse:24", "nsfw", way="original"),
        *bad(Throttled, "refuse:30", way="relay"),
        *bad(Ambiguous, "refuse:timeout", way="relay"),
        *bad(Misconfigured, "refuse:quota", "locked", way="relay"),
    )
    bad_endings = (
        *bad(Blocked, "fail:banned", "fail:filters", "nsfw", way="extended"),
        *bad(Rejected, "fail:invalid", way="extended"),
        *bad(Broke, "fail:internal", "fail:timeout", "empty-output", "null-output", again=True, way="extended"),
        *bad(Broke, "fail:captcha", "fail:canceled", "forget", again=False, way="extended"),
        *bad(Drifted, "unknown-status", "drift", way="extended"),
    )
    bad_questions = (
        *bad(Unreachable, "html-502@status", "error-500@status", way="extended"),
        *bad(Throttled, "throttle@status", way="extended"),
        *bad(Misconfigured, "unauthorized@status", way="extended"),
        *bad(Drifted, "html-200@status", "truncated-json@status", way="extended"),
    )


async def test_a_lost_submit_is_found_where_there_is_a_list(played: Played) -> None:
    for kind in ("original", "extended"):
        adapter = played.way(kind)
        call = replace(called("midjourney-v7", "a fox [[lost-answer]]"), reference=f"attempt-{kind}")
        with pytest.raises(Ambiguous):
            await adapter.submit(call)
        lost = Lost(call.reference, call.endpoint, call.prompt, call.params, call.options, datetime.now(UTC))
        find = power(adapter, "find")
        assert find is not None
        ticket = await find(lost)
        assert (await played.end(ticket, adapter)).outputs
        assert await find(replace(lost, reference="nobody", since=datetime.now(UTC) + timedelta(hours=1))) is None
    relay = power(played.way("relay"), "find")
    assert relay is not None
    with pytest.raises(Ambiguous):
        await relay(lost)


async def test_a_window_is_answered_and_one_that_was_not_is_no_job(played: Played) -> None:
    adapter = played.way("extended")
    call = called("midjourney-v7", "a fox")
    grid = await played.make(call, adapter)
    assert grid.ticket is not None
    remix = replace(called("midjourney-vary", "a blue fox", button="V1"), parent=grid.ticket.data, reference="remix")
    assert (await played.make(remix, adapter)).outputs[0].grid == (2, 2)
    await played.arm("remix")
    vary = replace(called("midjourney-vary", "", button="V2"), parent=grid.ticket.data)
    assert (await played.make(vary, adapter)).outputs[0].grid == (2, 2)


async def test_seeds_descriptions_and_all_their_pictures(played: Played) -> None:
    adapter = played.way("extended")
    grid = await played.make(called("midjourney-v7", "a fox", seed=77), adapter)
    assert grid.facts["seed"] == 77
    assert grid.ticket is not None
    told = await adapter.submit(replace(called("midjourney-seed", ""), parent=grid.ticket.data))
    assert isinstance(told, Done)
    assert told.facts == {"texts": ["77"], "seed": 77}
    described = await played.make(called("midjourney-describe", "", given("image", plain(colour="red"))), adapter)
    assert len(described.facts["texts"]) == 4
    assert described.ticket is not None
    actions = {action["id"]: action for action in described.facts["actions"]}
    assert set(actions) == {"pick_1", "pick_2", "pick_3", "pick_4", "describe_again", "pick_all"}
    for name, makes in (("pick_2", 1), ("pick_all", 4), ("describe_again", 0)):
        action = actions[name]
        call = called(action["model"], action["prompt"] or "", **action["params"])
        made = await played.make(replace(call, parent=described.ticket.data), adapter)
        assert [output.grid for output in made.outputs] == [(2, 2)] * makes
    again = await played.make(called("midjourney-shorten", "a very long prompt about a fox"), adapter)
    assert again.facts["texts"]


async def test_clips_are_taken_extended_and_made_again(played: Played) -> None:
    adapter = played.way("extended")
    film = await played.make(called("midjourney-video", "it turns", given("start_frame", plain()), clips="2"), adapter)
    assert [output.kind for output in film.outputs] == ["video", "video"]
    assert film.ticket is not None
    actions = {action["id"]: action for action in film.outputs[1].actions}
    assert set(actions) == {"clip", "extend", "reroll"}
    for action in actions.values():
        call = replace(called(action["model"], "", **action["params"]), parent=film.ticket.data)
        assert {output.kind for output in (await played.make(call, adapter)).outputs} == {"video"}


async def test_a_cancel_is_heard_where_there_is_one(played: Played) -> None:
    for kind, said in (("extended", Canceled.STOPPED), ("original", Canceled.TOO_LATE), ("relay", Canceled.TOO_LATE)):
        adapter = played.way(kind)
        ticket = await adapter.submit(called("midjourney-v7", "a fox [[never]]"))
        assert await played.cancel(ticket, adapter) is said


async def test_previews_are_never_results_and_previews_change(played: Played) -> None:
    adapter = played.way("extended")
    ticket = await adapter.submit(called("midjourney-v7", "a fox [[slow:1]]"))
    assert isinstance(ticket, Ticket)
    percents = [pending.percent for pending in await played.watch(ticket, adapter) if pending.percent]
    assert percents == sorted(percents) and len(set(percents)) > 3
