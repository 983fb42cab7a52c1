"""From words on the command line to a request: the model meant, its parameters, its input files."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from vermilion.terminal.client import Client, Json
from vermilion.terminal.problem import Problem


def choose_model(models: Sequence[Json], wanted: str | None) -> Json:
    """The model of that id or alias, or the first one that makes a picture from words; raises `Problem` with near
    names."""
    if wanted is None:
        for model in models:
            needs_files = any(given["minimum"] for given in model["inputs"])
            if model["available"] and model["makes"] == "image" and model["prompt"] is not None and not needs_files:
                return model
        raise Problem("No model makes pictures at the moment. An admin adds a credential under Providers.")
    for model in models:
        if wanted == model["id"] or wanted in model["aliases"]:
            return model
    names = [name for model in models for name in (model["id"], *model["aliases"])]
    raise Problem(f"There is no model {wanted!r}.{_nearest(wanted, names)} `vermilion models` lists them.")


def read_params(model: Json, settings: Iterable[str]) -> dict[str, Any]:
    """`key=value …` as the types the model declares; the server has the last word on limits."""
    declared = {param["name"]: param for param in model["params"]}
    params: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise Problem(f"--set {setting!r}: write NAME=VALUE.")
        if name not in declared:
            raise Problem(f"{model['id']} has no parameter {name!r}.{_nearest(name, declared)}")
        params[name] = _value(declared[name], text)
    return params


async def upload_inputs(client: Client, model: Json, inputs: Iterable[str]) -> list[Json]:
    """`role=FILE` (or `FILE` for the model's first role), uploaded: the inputs of a request."""
    given = [_role_and_file(model, text) for text in inputs]
    return [{"role": role, "asset_id": (await client.upload(file))["id"]} for role, file in given]


def _role_and_file(model: Json, text: str) -> tuple[str, Path]:
    roles = [given["role"] for given in model["inputs"]]
    if not roles:
        raise Problem(f"{model['id']} takes no files.")
    role, equals, name = text.partition("=")
    if not equals or (role not in roles and Path(text).exists()):
        role, name = roles[0], text
    if role not in roles:
        raise Problem(f"{model['id']} has no input {role!r}; it knows {', '.join(roles)}.")
    file = Path(name).expanduser()
    if not file.is_file():
        raise Problem(f"There is no file {name}.")
    return role, file


def _value(param: Json, text: str) -> Any:
    name = param["name"]
    match param["type"]:
        case "integer" | "number":
            try:
                return int(text) if param["type"] == "integer" else float(text)
            except ValueError:
                raise Problem(f"{name} is a number, {text!r} is none.") from None
        case "boolean":
            spelled = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            if text.lower() not in spelled:
                raise Problem(f"{name} is true or false.")
            return spelled[text.lower()]
        case "choice":
            values = {str(choice["value"]): choice["value"] for choice in param["choices"]}
            if text not in values:
                raise Problem(f"{name} is one of {', '.join(values)}.")
            return values[text]
        case "size":
            return _size(param, text)
    return text


def _size(param: Json, text: str) -> Any:
    width, times, height = text.lower().partition("x")
    if times and width.isdigit() and height.isdigit():
        return {"width": int(width), "height": int(height)}
    names = [str(choice["value"]) for choice in param.get("choices") or []]
    if names and text not in names:
        raise Problem(f"{param['name']} is WIDTHxHEIGHT, or one of {', '.join(names)}.")
    return text


def _nearest(wanted: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(wanted, list(names), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""
