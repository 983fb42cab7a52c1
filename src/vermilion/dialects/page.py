"""`python -m vermilion.dialects.page [FILE]`: the page of the described routes, made from their table."""

import inspect
from collections.abc import Iterator
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from vermilion.dialects import ROUTES, SERVICES
from vermilion.dialects.routes import ENDPOINTS, Route
from vermilion.dialects.table import VENDOR_SERVICES
from vermilion.dialects.task_views import STATUS_WORDS, TaskView
from vermilion.kit import write_out

_HEAD: Final = """# The described routes

Made from the code by `make described`.

Programs written for the system that Vermilion replaces find its routes here: one dialect over the same commands as the
house's own API, with the same rights, limits, prices and problems ([errors.md](errors.md)). New programs are better off
with the house's own: it says more, resumes its event stream everywhere, and asks twice safely.

- **Signing in.** `POST /api/v1/auths/signin` answers with a `token` for `Authorization: Bearer …`; an API key does as
  well. It is a session like a browser's: it ends after two weeks without use, and is listed and ended like any other.
- **Codes** are sent for `register`, `login`, `bind` (a number that is added) and `change` (a change is confirmed with
  one's own number; for any other number it means `bind`). The answer is the same whether or not anybody has the number.
  Adding, changing or removing a number or an address wants a token opened within five minutes, or confirmed since with
  `POST /api/v1/me/confirm`; else it is 403 `auth.confirmation_required`.
- **Keys** of a body may be written in `snake_case` or `camelCase`; unknown ones are refused by name. A field that is
  known here and that the chosen model does not understand is left out, and named in the answer's `ignored_fields`.
- **Sizes** in pixels are given to models that take them; for the others, and where a side is beyond what a model
  takes, they mean the nearest shape there is. Flux's `image_size` is one of fal's words (`square_hd`, `square`,
  `portrait_4_3`, `portrait_16_9`, `landscape_4_3`, `landscape_16_9`, `auto`), pixels (`1024x768`, `1024*768`, or an
  object with `width` and `height`), or a shape (`16:9`). The `dimensions` of a blend are `SQUARE`, `PORTRAIT`,
  `LANDSCAPE`, or `1:1`, `2:3`, `3:2`.
- **Files** in a body are the id of one of your own, an address (fetched by the house, never from private networks), a
  data URL, or base64; a body with files may have 24 MiB. What was not yours becomes an upload of yours.
- **Addresses** in answers (`image_url`, `video_url`) can be opened by anybody for twelve hours at least, a day at most,
  and can be given back to a request.
- **Models** may be named by this house's id, by the vendor's own name, or by the name that variants share: what files
  are given decides which variant is meant. Without a name it is the operator's default, else the service's usual one.
- **`…/config`** speaks of the service's first login, the prices of its models, and what is usual where a request names
  nothing. Switched off, a service is off with every login. How long a task may take and what a mode costs on top are
  the catalog's: they are shown and cannot be set here.
- **Prices** (`PUT /api/v1/credit/models/price`) are `{"flux-1-dev": 5}`, where the number is what a request costs
  whatever it makes, or `[{"model": "flux-1-dev", "credits": 5}]`; in place of `credits` there may be `base_credits` for
  a request and `per_output_credits` for each result, and `enabled`. Either may stand in `models`. All or none change.
- **Status** is one of five words; `state` beside it is the house's own.
- **`action`** of a Midjourney task is in midjourney-proxy's words (`IMAGINE`, `BLEND`, `UPSCALE`, `VARIATION`, …); of
  the others it is what is made (`IMAGE`, `VIDEO`).
- **`seed`** may be left out or negative: the model then chooses.
- **`workflow`** in `POST /api/v1/generation/create` is refused: what runs on the operator's machines is theirs to
  choose.
- **State never changes on GET.** `GET …/test` only asks; redeeming a code is a `POST`; the seed of a picture, where
  it has to be asked for and costs something, is asked for with `POST` and then known to `GET`.
- `/internal/storage/upload` and `/internal/storage/migrate-url` are not here: they let anybody store any address.
"""


def described_page() -> str:
    """The page, the same for the same code."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield "| status | `state` |"
    yield "|---|---|"
    for word in dict.fromkeys(STATUS_WORDS.values()):
        states = ", ".join(f"`{state}`" for state, said in STATUS_WORDS.items() if said == word)
        yield f"| `{word}` | {states} |"
    yield ""
    yield "A task has " + ", ".join(f"`{name}`" for name in TaskView.model_fields) + "."
    yield ""
    yield "## Services"
    yield ""
    yield "| service | provider | where no model is named |"
    yield "|---|---|---|"
    for service in SERVICES.values():
        usual = "; ".join(f"{job}: `{models[0]}`" for job, models in service.models.items() if models)
        yield f"| `{service.name}` ({service.title}) | `{service.provider}` | {usual or 'a name is needed'} |"
    shared = _shared()
    yield ""
    yield "## Every vendor's service"
    yield ""
    yield "`S` is " + ", ".join(f"`{service.name}`" for service in VENDOR_SERVICES) + "."
    yield ""
    yield from _table([(_named_s(route), route) for route in shared])
    own = [route for route in ROUTES.values() if _named_s(route) not in {_named_s(each) for each in shared}]
    for title, belongs in (
        *((service.title, service.name) for service in SERVICES.values()),
        ("Accounts", "auths"),
        ("Storage", "storage files"),
        ("Credit", "credit"),
        ("The studio", "config"),
    ):
        mine = [route for route in own if route.word in belongs.split()]
        if mine:
            yield ""
            yield f"## {title}"
            yield ""
            yield from _table([(route.name, route) for route in mine])


def _table(rows: list[tuple[str, Route]]) -> Iterator[str]:
    yield "| route | who | what | body |"
    yield "|---|---|---|---|"
    for name, route in rows:
        yield f"| `{name}` | {route.who} | {route.what} | {_body(route)} |"


def _body(route: Route) -> str:
    """The names of a body's fields, with the words each may be; those it cannot do without stand first."""
    for parameter in inspect.signature(ENDPOINTS[route.name]).parameters.values():
        kind = parameter.annotation
        if inspect.isclass(kind) and issubclass(kind, BaseModel):
            fields = sorted(kind.model_fields.items(), key=lambda item: not item[1].is_required())
            return ", ".join(
                (f"**`{name}`**" if field.is_required() else f"`{name}`") + _choices(field.annotation)
                for name, field in fields
            )
    return "a form" if route.takes_form else ""


def _choices(kind: Any) -> str:
    """The words a field may be, where there are only so many."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    words = [word for each in kinds if get_origin(each) is Literal for word in get_args(each)]
    return f" ({', '.join(f'`{word}`' for word in words)})" if words else ""


def _named_s(route: Route) -> str:
    """A route's name with `S` for its service, where it is a vendor's."""
    first = route.word
    if first not in {service.name for service in VENDOR_SERVICES}:
        return route.name
    return f"{route.method} {route.root}/S{route.path.removeprefix(f'/{first}')}"


def _shared() -> list[Route]:
    """One of each route that every vendor's service has."""
    counted: dict[str, list[Route]] = {}
    for route in ROUTES.values():
        counted.setdefault(_named_s(route), []).append(route)
    return [same[0] for same in counted.values() if len(same) == len(VENDOR_SERVICES)]


if __name__ == "__main__":
    write_out(described_page())
