"""Kling's adapter and its sandbox were written apart, from the same facts; here they meet, by way of the catalog."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import av
import pytest
from PIL import Image

from tests.library.files import noise
from tests.providers.asking import called, entries_of, given
from tests.providers.failing import UnderstandsFailures, bad, on_every_way
from tests.providers.playing import Playing
from vermilion.catalog import Entry, GivenInput
from vermilion.providers import (
    Ambiguous,
    Balance,
    Blocked,
    Broke,
    Call,
    Done,
    Drifted,
    InputFile,
    Lost,
    Misconfigured,
    NotInstalled,
    Pending,
    ProviderError,
    Rejected,
    Throttled,
    Ticket,
    Unreachable,
)

ENTRIES = entries_of("kling")
BY_ID = {entry.id: entry for entry in ENTRIES}
PAIR = {"access_key": "sandbox-kling-access", "secret_key": "sandbox-kling-secret-not-secret"}
KEY = {"api_key": "sandbox-kling-key-not-secret"}
WEBHOOK = {"webhook_secret": "whsec_c2FuZGJveC1ub3Qtc2VjcmV0LWF0LWFsbA=="}


def film(seconds: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(4 * seconds):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode(None))
    return file.getvalue()


CONTENTS = {"image": noise(320, 400), "audio": b"ID3" + bytes(2000), "video": b""}


@dataclass
class Played(Playing):
    """Playing, with what these tests do again and again, by both generations of keys and through a relay."""

    made_count: int = 0

    def way(self, how: str = "both", **changed: str) -> Any:
        base = f"{self.origin}/kling"
        fields = {
            "both": {**PAIR, **KEY, **WEBHOOK, "base_url": base, "generation": "2"},
            "token": {**PAIR, "base_url": base},
            "relay": {**KEY, "base_url": f"{base}/relay/kling"},
        }[how]
        return self.adapter_with({**fields, **changed})

    def given(self, role: str, content_type: str) -> InputFile:
        kind = content_type.partition("/")[0]
        seconds = None if kind == "image" else 6.0
        url = self.door.lay_out(film(4), content_type) if kind == "video" else None
        return given(role, CONTENTS[kind], content_type, duration_seconds=seconds, url=url)

    def call(
        self, model: str, prompt: str = "a red fox", *, all_inputs: bool = False, callback: bool = False, **params: Any
    ) -> Call:
        entry = BY_ID[model]
        inputs = [
            self.given(role.role, role.content_types[-1])
            for role in entry.inputs
            for _ in range(max(role.minimum, 1 if all_inputs else 0))
        ]
        self.made_count += 1
        return called(
            entry,
            prompt if entry.prompt else "",
            *inputs,
            reference=f"attempt-{self.made_count}",
            callback_url=self.door.callback if callback else None,
            **params,
        )

    def asked(self, prompt: str) -> Call:
        return self.call("kling-v2-6", prompt)

    async def made(self, call: Call, how: str = "both") -> Done:
        return await self.make(call, self.way(how))


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    async with Played.open("kling", speed=400.0) as opened:
        yield opened


async def first_video(played: Played, model: str = "kling-v1-6", how: str = "both") -> dict[str, Any]:
    """The ticket of a finished video, as its follow-ups get it."""
    done = await played.made(played.call(model), how)
    assert done.ticket is not None
    return dict(done.ticket.data)


# Every model of the catalog.

ALONE = [entry for entry in ENTRIES if entry.id not in {"kling-extend", "kling-lip-sync", "kling-lip-sync-audio"}]


@pytest.mark.parametrize("entry", ALONE, ids=lambda entry: entry.id)
async def test_every_model_is_taken_as_the_catalog_sends_it(played: Played, entry: Entry) -> None:
    done = await played.made(played.call(entry.id))
    assert len(done.outputs) == 1
    assert done.outputs[0].kind == entry.makes


@pytest.mark.parametrize("entry", [entry for entry in ALONE if "newer" not in entry.endpoint], ids=lambda e: e.id)
async def test_every_model_is_taken_with_all_its_inputs_and_a_token(played: Played, entry: Entry) -> None:
    call = played.call(entry.id, all_inputs=True)
    if "/kling-" in entry.endpoint:
        with pytest.raises(NotInstalled):
            await played.made(call, "token")
    else:
        assert (await played.made(call, "token")).outputs


@pytest.mark.parametrize("model", ["kling-v1", "kling-v3", "kling-v3-image", "kling-v3-omni", "kling-image-v3"])
async def test_every_choice_a_model_offers_is_one_kling_knows(played: Played, model: str) -> None:
    adapter = played.way("token")
    for param in BY_ID[model].params:
        for choice in getattr(param, "choices", ()):
            more = {"mode": "pro"} if param.name == "sound" else {}
            await adapter.submit(played.call(model, **{**more, param.name: choice.value}))
            await played.session.post(f"{played.origin}/control/reset")


# What is made.


async def test_a_video_can_be_played_and_its_facts_are_told(played: Played) -> None:
    done = await played.made(played.call("kling-v1-6", duration="10"))
    assert done.facts["seconds"] == pytest.approx(10, abs=0.2)
    status, data = await played.fetch(done.outputs[0].url)
    assert status == 200
    with av.open(io.BytesIO(data), "r") as container:
        frame = next(container.decode(video=0))
        assert frame.width * 9 == frame.height * 16


async def test_several_pictures_come_one_by_one(played: Played) -> None:
    done = await played.made(played.call("kling-image-v3", n=3))
    assert len({output.url for output in done.outputs}) == 3
    status, data = await played.fetch(done.outputs[2].url)
    assert status == 200 and Image.open(io.BytesIO(data)).format == "PNG"


@pytest.mark.parametrize("kind", ["404-output", "expire"])
async def test_results_can_be_gone(played: Played, kind: str) -> None:
    done = await played.made(played.call("kling-v1", f"fox [[{kind}]]"))
    assert (await played.fetch(done.outputs[0].url))[0] == 404


# Follow-ups.


async def test_a_video_is_made_longer_and_again(played: Played) -> None:
    parent = await first_video(played)
    longer = replace(played.call("kling-extend", "it runs on"), parent=parent)
    done = await played.made(longer)
    assert done.facts["seconds"] > 9
    assert done.ticket is not None
    again = await played.made(replace(played.call("kling-extend"), parent=dict(done.ticket.data)))
    assert again.facts["seconds"] > 13


async def test_a_video_of_a_later_model_cannot_be_made_longer(played: Played) -> None:
    parent = await first_video(played, "kling-v2-6")
    with pytest.raises(Rejected):
        await played.made(replace(played.call("kling-extend"), parent=parent))


@pytest.mark.parametrize("how", ["both", "token"])
@pytest.mark.parametrize("model", ["kling-lip-sync", "kling-lip-sync-audio"])
async def test_a_made_video_speaks(played: Played, model: str, how: str) -> None:
    parent = await first_video(played, "kling-v2-6", how)
    done = await played.made(replace(played.call(model, "Good morning to all of you."), parent=parent), how)
    assert done.outputs[0].kind == "video"


async def test_a_given_video_speaks(played: Played) -> None:
    done = await played.made(played.call("kling-lip-sync-audio", all_inputs=True))
    assert done.outputs[0].kind == "video"


async def test_every_voice_is_sent_with_its_language(played: Played) -> None:
    parent = await first_video(played)
    voice = next(param for param in BY_ID["kling-lip-sync"].params if param.name == "voice")
    for choice in list(getattr(voice, "choices", ()))[::12]:
        call = replace(played.call("kling-lip-sync", "Good morning.", voice=choice.value), parent=parent)
        await played.way().submit(call)


async def test_a_video_without_a_face_is_refused(played: Played) -> None:
    parent = await first_video(played)
    await played.arm("no-face")
    with pytest.raises(Rejected):
        await played.way().submit(replace(played.call("kling-lip-sync", "Hello there."), parent=parent))


async def test_actions_are_requests_the_catalog_accepts(played: Played) -> None:
    done = await played.made(played.call("kling-v1-6"))
    assert {action["id"] for action in done.outputs[0].actions} == {"extend", "lip_sync_text", "lip_sync_audio"}
    for action in done.outputs[0].actions:
        entry = BY_ID[action["model"]]
        roles = {role.role for role in entry.inputs}
        assert action.get("input_role") is None or action["input_role"] in roles
        needs = set(action["needs"])
        given = [GivenInput("audio", "audio/mpeg", 1)] if "audio" in needs else []
        entry.accept("words" if "prompt" in needs else "", action["params"], given)


# How it goes wrong.


class TestFailures(UnderstandsFailures):
    bad_submits = on_every_way(
        ("both", "token"),
        (
            *bad(Throttled, "throttle", "code:1302", "code:1303"),
            *bad(Misconfigured, "unauthorized", "locked", "code:1003", "code:1100", "code:1101", "code:1102"),
            *bad(Misconfigured, "code:1103", "code:1304"),
            *bad(Ambiguous, "error-500", "html-502", "html-200@submit", "reset", "lost-answer", "code:5002"),
            *bad(Ambiguous, "truncated-json@submit", "accepted-500", "accepted-504"),
            *bad(Unreachable, "error-503", "code:5001"),
            *bad(Rejected, "code:1200"),
            *bad(NotInstalled, "code:1203"),
            *bad(Blocked, "code:1300", "code:1301"),
        ),
    )
    bad_endings = (
        *on_every_way(
            ("both", "token", "relay"),
            (
                *bad(Broke, "fail", again=True),
                *bad(Broke, "fail:it is Tuesday", "forget", again=False),
                *bad(Blocked, "fail:content", "nsfw"),
                *bad(Rejected, "fail:inputs"),
            ),
        ),
        # The relay's column for reasons holds an address all the same.
        *on_every_way(("both", "token"), (*bad(Drifted, "drift"), *bad(Broke, "empty-output", again=False))),
    )
    bad_questions = on_every_way(
        ("both", "token"),
        (
            *bad(Unreachable, "html-502@status", "error-500@status"),
            *bad(Throttled, "throttle@status"),
            *bad(Misconfigured, "unauthorized@status"),
            *bad(Drifted, "html-200@status", "truncated-json@status"),
        ),
    )


@pytest.mark.parametrize("how", ["both", "token", "relay"])
async def test_a_reason_nobody_documented_is_told_in_klings_words(played: Played, how: str) -> None:
    with pytest.raises(Broke) as caught:
        await played.made(played.asked("a fox [[fail:it is Tuesday]]"), how)
    assert caught.value.vendor_message == "it is Tuesday"


@pytest.mark.parametrize("how", ["both", "token"])
async def test_a_question_refused_by_a_code_is_understood(played: Played, how: str) -> None:
    adapter = played.way(how)
    ticket = await adapter.submit(played.asked("a fox [[code@status:1302]]"))
    with pytest.raises(Throttled):
        await adapter.check(ticket)


async def test_a_word_nobody_documented_is_noticed(played: Played) -> None:
    adapter = played.way()
    ticket = await adapter.submit(played.call("kling-v2-6", "a fox [[unknown-status]] [[never]]"))
    with pytest.raises(Drifted):
        for _ in range(100):
            assert await adapter.check(ticket) == Pending(False)
            await asyncio.sleep(0.02)


async def test_a_full_account_makes_wait_and_an_end_makes_room(played: Played) -> None:
    adapter = played.way("token")
    for _ in range(10):
        await adapter.submit(played.call("kling-v1", "a fox [[slow:3]]"))
    with pytest.raises(Throttled) as caught:
        await adapter.submit(played.call("kling-v1"))
    assert caught.value.retry_after_seconds and caught.value.retry_after_seconds >= 1
    await adapter.submit(played.call("kling-v1-6"))
    job = (await played.jobs())[0]["id"]
    await played.session.post(f"{played.origin}/control/jobs/{job}/finish")
    await adapter.submit(played.call("kling-v1"))


async def test_each_picture_of_a_batch_takes_a_slot(played: Played) -> None:
    adapter = played.way()
    await adapter.submit(played.call("kling-image-v3", "a fox [[slow:5]]", n=9))
    with pytest.raises(Throttled):
        await adapter.submit(played.call("kling-image-v3", n=2))
    await adapter.submit(played.call("kling-image-v3", n=1))


@pytest.mark.parametrize(
    "fields",
    [
        {"secret_key": "another-not-secret"},
        {"access_key": "nobody"},
        {"access_key": "", "secret_key": "", "api_key": "wrong-not-secret"},
    ],
)
async def test_wrong_keys_are_refused(played: Played, fields: dict[str, str]) -> None:
    adapter = played.way("token", **fields)
    with pytest.raises(Misconfigured):
        await adapter.submit(played.call("kling-v1"))
    assert (await adapter.probe()).problem


@pytest.mark.parametrize("seconds", [-4000, 4000])
async def test_a_wrong_clock_is_told(played: Played, seconds: float) -> None:
    adapter = played.way("token")
    true_time = adapter.now
    adapter.now = lambda: true_time() + seconds
    with pytest.raises(Misconfigured) as caught:
        await adapter.submit(played.call("kling-v1"))
    assert "clock" in caught.value.message


# Lost submits.


def lost(call: Call, since: datetime) -> Lost:
    return Lost(call.reference, call.endpoint, call.prompt, call.params, call.options, since)


@pytest.mark.parametrize("how", ["both", "token"])
@pytest.mark.parametrize("marker", ["lost-answer", "accepted-500", "accepted-504", "truncated-json@submit"])
async def test_a_lost_submit_is_found_and_followed(played: Played, marker: str, how: str) -> None:
    since, adapter = datetime.now(UTC), played.way(how)
    call = played.call("kling-v2-6", f"a fox [[{marker}]]")
    with pytest.raises(Ambiguous):
        await adapter.submit(call)
    found = await adapter.find(lost(call, since))
    assert found is not None
    assert (await played.end(found, adapter)).outputs
    assert len(await played.jobs()) == 1


@pytest.mark.parametrize("how", ["both", "token"])
async def test_what_never_arrived_is_certainly_not_there(played: Played, how: str) -> None:
    since, adapter = datetime.now(UTC), played.way(how)
    await adapter.submit(played.call("kling-v2-6"))
    call = played.call("kling-v2-6", "a fox [[reset]]")
    with pytest.raises(Ambiguous):
        await adapter.submit(call)
    assert await adapter.find(lost(call, since)) is None


async def test_through_a_relay_a_lost_submit_stays_open(played: Played) -> None:
    since, adapter = datetime.now(UTC), played.way("relay")
    call = played.call("kling-v2-6", "a fox [[lost-answer]]")
    with pytest.raises(Ambiguous):
        await adapter.submit(call)
    with pytest.raises(Ambiguous):
        await adapter.find(lost(call, since))
    assert len(await played.jobs()) == 1


# Relays.


@pytest.mark.parametrize("model", ["kling-v2-6", "kling-v1-6-image", "kling-o1", "kling-multi-image", "kling-avatar"])
async def test_a_relay_is_understood(played: Played, model: str) -> None:
    done = await played.made(played.call(model), "relay")
    assert (await played.fetch(done.outputs[0].url))[0] == 200


async def test_a_relays_refusals_are_understood(played: Played) -> None:
    adapter = played.way("relay")
    for marker, error in (("code:1102", Misconfigured), ("code:1303", Throttled), ("code:1301", Blocked)):
        with pytest.raises(ProviderError) as caught:
            await adapter.submit(played.call("kling-v2-6", f"a fox [[{marker}]]"))
        assert type(caught.value) is error


async def test_follow_ups_go_through_a_relay(played: Played) -> None:
    parent = await first_video(played, "kling-v1-6", "relay")
    assert (await played.made(replace(played.call("kling-extend"), parent=parent), "relay")).outputs
    assert (await played.made(replace(played.call("kling-lip-sync", "Good morning."), parent=parent), "relay")).outputs


@pytest.mark.parametrize("how", ["both", "token", "relay"])
async def test_the_connection_test_tells_good_from_bad_and_makes_nothing(played: Played, how: str) -> None:
    adapter = played.way(how)
    good = await adapter.probe()
    assert good.problem is None
    assert ("Sandbox videos" in (good.account or "")) is (how != "relay")
    assert good.balance == (None if how == "relay" else Balance("1000", "units"))
    assert (await adapter.probe()).problem is None, "asking twice at once is no fault of the credential's"
    assert (await played.way("relay", api_key="wrong-not-secret").probe()).problem
    assert await played.jobs() == []


async def test_a_relays_address_without_its_last_part_is_told(played: Played) -> None:
    probe = await played.way("relay", base_url=f"{played.origin}/kling/relay").probe()
    assert probe.problem is not None and "/kling" in probe.problem


# Callbacks.


@pytest.mark.parametrize(("how", "signed"), [("both", True), ("token", False)])
async def test_every_change_is_told_and_names_its_job(played: Played, how: str, signed: bool) -> None:
    adapter = played.way(how)
    ticket = await adapter.submit(played.call("kling-v2-6", callback=True))
    reader = played.way()
    for headers, body in await played.door.callbacks(2):
        assert ("webhook-signature" in headers) is signed
        callback = await reader.read_callback(headers, body)
        assert callback.ticket.id == ticket.id
        adopted = Ticket(ticket.id, {"endpoint": "v1/videos/text2video", **callback.ticket.data})
        assert (await played.end(adopted, adapter)).outputs


async def test_forged_and_stale_callbacks_are_refused_and_true_ones_believed(played: Played) -> None:
    adapter = played.way()
    await adapter.submit(played.call("kling-v2-6", "a fox [[webhook-forged]]", callback=True))
    believed = 0
    for headers, body in await played.door.callbacks(4):
        try:
            await adapter.read_callback(headers, body)
            believed += 1
        except Rejected:
            pass
    assert believed == 2
    played.door.called.clear()
    await adapter.submit(played.call("kling-v2-6", "a fox [[webhook-stale]]", callback=True))
    for headers, body in await played.door.callbacks(2):
        with pytest.raises(Rejected):
            await adapter.read_callback(headers, body)


async def test_an_early_callback_is_enough_to_follow(played: Played) -> None:
    adapter = played.way()
    await adapter.submit(played.call("kling-v2-6", "a fox [[webhook-early]]", callback=True))
    assert len(played.door.called) == 1, "it came before the submit was answered"
    callback = await adapter.read_callback(*played.door.called[0])
    adopted = Ticket(callback.ticket.id, {"endpoint": "v1/videos/text2video", **callback.ticket.data})
    assert (await played.end(adopted, adapter)).outputs


async def test_many_jobs_are_asked_about_at_once(played: Played) -> None:
    adapter, token = played.way(), played.way("token")
    tickets = [await adapter.submit(played.call("kling-v2-6", f"fox {n}")) for n in range(3)]
    tickets += [await token.submit(played.call("kling-v1", f"fox {n}")) for n in range(2)]
    answers = dict(await adapter.check_many([*tickets, Ticket("no-such", {"endpoint": "v1/videos/text2video"})]))
    assert isinstance(answers.pop("no-such"), Broke)
    assert set(answers) == {ticket.id for ticket in tickets}
    assert all(isinstance(answer, Pending | Done) for answer in answers.values())
