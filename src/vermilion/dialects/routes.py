"""The table of the described routes: each is entered here as it is made, and documentation and tests read it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope

from vermilion.identity import problem_responses, write_responses

TAG: Final = "described"

MAKING: Final = (400, 402, 404, 409, 413, 415, 503)
"""What a route that makes something may refuse with, beside the usual: credits, models, states, files."""

Who = Literal["anybody", "user", "owner", "admin"]
"""Who may ask: nobody needs to be signed in; anybody who is; whose it is, and admins; admins alone."""

Method = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Route:
    """One described route, below `root`.

    `takes_files` says that a JSON body may hold files, `takes_form` that the body is a form with files, which the
    route reads piece by piece.
    """

    method: Method
    path: str
    who: Who
    what: str
    takes_files: bool = False
    takes_form: bool = False
    root: str = "/api/v1"

    @property
    def name(self) -> str:
        """How documentation and tests speak of it."""
        return f"{self.method} {self.root}{self.path}"

    @property
    def word(self) -> str:
        """The first word of its path: the service, or what else it is about."""
        return self.path.split("/")[1]

    @property
    def operation(self) -> str:
        """Its operation's id: `described_post_kling_submit_lip_sync`."""
        words = self.path.replace("{", "").replace("}", "").replace("-", "_").strip("/").split("/")
        return "_".join(["described", self.method.lower(), *words])


ROUTES: Final[dict[str, Route]] = {}
"""By name, in the order they were made."""

Endpoint = Callable[..., Awaitable[Any]]

ENDPOINTS: Final[dict[str, Endpoint]] = {}
"""What answers each of them."""


class Gate(APIRouter):
    """The routes whose address begins with one word; for any other address it is not searched at all.

    Routes are tried one after another, and there are more of these than of all others together.
    """

    def __init__(self, root: str, word: str) -> None:
        super().__init__()
        self._at = f"{root}/{word}"

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether one of them answers."""
        path: str = scope["path"]
        if not path.startswith(self._at) or path[len(self._at) : len(self._at) + 1] not in ("", "/"):
            return Match.NONE, {}
        return super().matches(scope)


GATES: Final[dict[tuple[str, str], Gate]] = {}
"""By root and first word, in the order they were needed."""


def face(
    route: Route, *, status_code: int = 200, refusals: tuple[int, ...] = (), **more: Any
) -> Callable[[Endpoint], Endpoint]:
    """Enter a route into the table and behind its gate, with the problems it may answer beside the usual ones."""
    usual = {*refusals, *(() if route.who == "anybody" else (401, 403)), *((404,) if "{" in route.path else ())}
    responses = problem_responses(*sorted(usual)) if route.method == "GET" else write_responses(*sorted(usual))

    def enter(endpoint: Endpoint) -> Endpoint:
        if route.name in ROUTES:
            raise ValueError(f"{route.name} is described twice")
        ROUTES[route.name] = route
        ENDPOINTS[route.name] = endpoint
        gate = GATES.setdefault((route.root, route.word), Gate(route.root, route.word))
        gate.add_api_route(
            route.path,
            endpoint,
            methods=[route.method],
            name=route.operation,
            summary=route.what,
            description=endpoint.__doc__,
            status_code=status_code,
            responses={**responses, **more.pop("responses", {})},
            tags=[TAG],
            **more,
        )
        return endpoint

    return enter
