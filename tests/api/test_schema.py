"""The API keeps to its own description: requests made up from the OpenAPI document, right ones and wrong ones.

As a user, as an admin and as nobody: no server errors, no status, type or shape that is not written down.
"""

import asyncio
import copy
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.openapi.checks import JsonSchemaError, UndefinedStatusCode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.described import STREAMS
from tests.api.routes import PUBLIC
from tests.api.studio import Studio
from tests.library.files import encoded, picture
from vermilion.app.assembly import assemble

EXAMPLES = int(os.environ.get("VERMILION_TEST_SCHEMA_EXAMPLES", "6"))
"""How many requests of each kind, for each operation; each is sent by every visitor."""

ENDLESS = {"GET /api/v1/events", *STREAMS}
ENDS_THE_SESSION = {"POST /api/v1/auth/sign-out", "POST /api/v1/auths/signout"}

SCHEMA = schemathesis.openapi.from_dict(assemble(max_upload_bytes=1).openapi())
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
not_a_server_error = schemathesis.checks.not_a_server_error
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks."""

    role: str
    cookies: dict[str, str]
    values: dict[str, str]
    """Ids of things this visitor has, by the name of the path's parameter."""

    @contextmanager
    def session(self) -> Iterator[requests.Session]:
        """A browser of this visitor's on our own pages."""
        with requests.Session() as session:
            session.headers["Sec-Fetch-Site"] = "same-origin"
            session.cookies.update(self.cookies)
            yield session


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def visitors(guinea_house: Studio) -> list[Visitor]:
    """Nobody, a user and an admin."""
    found = [Visitor("nobody", {}, {})]
    for role in ("user", "admin"):
        person = await guinea_house.person() if role == "user" else await guinea_house.admin()
        if role == "admin":
            await person.post(f"/admin/users/{person.id}/grant", {"amount_credits": 1000, "reason": "for a test"})
        asset = await person.upload(encoded(picture(64, 48), "PNG"))
        view = await person.request()
        await person.ended(view["id"])
        key = await person.post("/me/api-keys", {"name": "a key"}, status=201)
        values = {
            "asset_id": asset["id"],
            "generation_id": view["id"],
            "key_id": key["id"],
            "model": "flux-1-dev",
            "provider": "fal",
            "user_id": (await guinea_house.person()).id,
            "task_id": view["id"],
            "code": "AAAA-BBBB",
        }
        found.append(Visitor(role, dict(person.client.cookies.items()), values))
    return found


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label not in ENDLESS])
async def test_answers_are_as_described(guinea_house: Studio, visitors: list[Visitor], label: str) -> None:
    who = [replace(each, cookies={}) for each in visitors] if label in ENDS_THE_SESSION else visitors

    def run() -> None:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _probe(OPERATIONS[label], mode, who, guinea_house.origin)

    # Schemathesis is not asynchronous, and this thread is the server's.
    await asyncio.to_thread(run)


def _probe(
    operation: Any, mode: GenerationMode, visitors: list[Visitor], origin: str, examples: int = EXAMPLES
) -> None:
    """Each request that is made up is sent by every visitor: making it up costs more than answering it."""
    try:
        cases = operation.as_strategy(generation_mode=mode)
        cases.validate()
    except schemathesis.errors.InvalidSchema as error:
        pytest.fail(str(error))

    @seed(1)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, is_real=st.booleans())
    def probe(case: Any, is_real: bool) -> None:
        made_up = dict(case.path_parameters)
        checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE and not is_real else CHECKS
        for visitor, session in sessions:
            # Half of the time the path leads to something that is there.
            real = {name: visitor.values[name] for name in made_up if is_real and name in visitor.values}
            case.path_parameters.update({**made_up, **real})
            try:
                answer = case.call(base_url=origin, session=session, timeout=30)
                case.validate_response(answer, checks=checks)
            except Exception as error:
                error.add_note(f"asked as {visitor.role}")
                raise

    try:
        with ExitStack() as opened:
            sessions = [(each, opened.enter_context(each.session())) for each in visitors]
            probe()
    except Exception as error:
        if type(error).__name__ in ("Unsatisfiable", "SkipTest") and mode is GenerationMode.NEGATIVE:
            # Nothing can be wrong with a request that has no parts.
            return
        raise


@pytest.mark.parametrize("label", OPERATIONS)
def test_the_usual_refusals_are_described(label: str) -> None:
    """What the rim may answer to anything: made-up requests are too tame to meet all of it."""
    operation = OPERATIONS[label]
    method, _, path = label.partition(" ")
    described = set(operation.definition.raw["responses"])
    usual = {"400", "429"}
    if label not in PUBLIC:
        usual |= {"401", "403"}
    if method != "GET":
        usual |= {"403", "413"}
    if "{" in path or method != "GET":
        usual |= {"422"}
    if "{" in path:
        usual |= {"404"}
    assert usual <= described, (usual - described, label)


async def test_a_wrong_description_is_noticed(guinea_house: Studio) -> None:
    """The checks above can fail: an undocumented status, and a member of the wrong type."""
    someone = await guinea_house.person()
    values = {"generation_id": (await someone.request())["id"]}
    visitor = Visitor("user", dict(someone.client.cookies.items()), values)

    def probe_with(document: dict[str, Any]) -> None:
        schema = schemathesis.openapi.from_dict(document)
        operation = schema["/api/v1/generations/{generation_id}"]["GET"]
        _probe(operation, GenerationMode.POSITIVE, [visitor], guinea_house.origin, examples=30)

    document = assemble(max_upload_bytes=1).openapi()
    await asyncio.to_thread(probe_with, document)
    untold = copy.deepcopy(document)
    del untold["paths"]["/api/v1/generations/{generation_id}"]["get"]["responses"]["404"]
    with pytest.raises(FailureGroup) as noticed:
        await asyncio.to_thread(probe_with, untold)
    assert isinstance(noticed.value.exceptions[0], UndefinedStatusCode)
    untrue = copy.deepcopy(document)
    untrue["components"]["schemas"]["GenerationView"]["properties"]["price_credits"] = {"type": "string"}
    with pytest.raises(FailureGroup) as noticed:
        await asyncio.to_thread(probe_with, untrue)
    assert isinstance(noticed.value.exceptions[0], JsonSchemaError)
