"""What is wrong with a field is said in words about the field, never in those of the library that found it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from vermilion.identity.faults import faults_of
from vermilion.identity.phone_views import Signature
from vermilion.identity.problems import invalid_request
from vermilion.identity.views import Email, Name


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("is an even number")
    return value


class Inner(BaseModel):
    side: int = 1


class Number(BaseModel):
    kind: Literal["number"]
    high: int


class Words(BaseModel):
    kind: Literal["words"]


class Switch(BaseModel):
    kind: Literal["switch"]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name = "n"
    email: Email = "a@example.com"
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")] = "123456"
    line: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    secret: Annotated[str, Field(pattern=r"^[a-z]+$")] = "a"
    mode: Literal["text", "audio"] = "text"
    version: Literal[1] = 1
    count: Annotated[int, Field(ge=1, le=9)] = 1
    ratio: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.5
    duration: int | Annotated[str, Field(max_length=3)] = 5
    pictures: Annotated[list[str], Field(min_length=1, max_length=2)] | str = "a"
    inner: Inner = Inner()
    flag: bool = False
    task: UUID = UUID(int=1)
    when: datetime | None = None
    odd: Annotated[int, AfterValidator(_odd)] = 1
    amount: Annotated[Decimal, Field(gt=0, decimal_places=2)] | None = None
    digits: Annotated[Decimal, Field(max_digits=3)] = Decimal(1)
    whole: Annotated[Decimal, Field(max_digits=4, decimal_places=2)] = Decimal(1)
    signature: Signature = "s"
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")] = "a"
    called: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "a"
    params: list[Annotated[Number | Words | Switch, Field(discriminator="kind")]] = []


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": 5}, "name must be text."),
    ({"name": ""}, "name must not be empty."),
    ({"name": "  "}, "name must be one line without control characters, and not blank."),
    ({"email": "nobody"}, "email must be an e-mail address."),
    ({"code": "12345"}, "code must be six digits."),
    ({"line": "a\nb"}, "line must be one line without control characters."),
    ({"secret": "A"}, "secret is not written as it should be."),
    ({"mode": "dance"}, "mode must be one of text or audio."),
    ({"version": 2}, "version must be 1."),
    ({"count": 0}, "count must be at least 1."),
    ({"count": 10}, "count must be at most 9."),
    ({"count": "many"}, "count must be a whole number."),
    ({"count": 1.5}, "count must be a whole number."),
    ({"ratio": 0}, "ratio must be more than 0.0."),
    ({"ratio": 1}, "ratio must be less than 1.0."),
    ({"ratio": float("nan")}, "ratio must be a finite number."),
    ({"duration": [1]}, "duration must be a whole number or text."),
    ({"duration": "long"}, "duration must have at most 3 characters."),
    ({"pictures": []}, "pictures must not be empty."),
    ({"pictures": ["a"] * 3}, "pictures must have at most 2 items."),
    ({"pictures": [7]}, "pictures.0 must be text."),
    ({"pictures": 7}, "pictures must be a list or text."),
    ({"inner": 7}, "inner must be an object."),
    ({"inner": {"side": "x"}}, "inner.side must be a whole number."),
    ({"flag": "maybe"}, "flag must be true or false."),
    ({"task": "x"}, "task must be an id (a UUID)."),
    ({"when": "tomorrow"}, "when must be a date and time such as 2026-01-31T12:00:00Z."),
    ({"odd": 2}, "odd is an even number."),
    ({"other": 1}, "other is not known here."),
    ({"amount": "abc"}, "amount must be a number."),
    ({"amount": []}, "amount must be a number."),
    ({"amount": 12.345}, "amount must have at most 2 decimal places."),
    ({"amount": 0}, "amount must be more than 0."),
    ({"digits": 1234}, "digits must have at most 3 digits."),
    ({"whole": 123}, "whole must have at most 2 digits before the point."),
    ({"signature": "【朱砂】"}, "signature must be one line without brackets: they are added when it is sent."),
    (
        {"id": "Own Neon"},
        "id must be at most 64 small letters, digits, dots and hyphens, and begin with a letter or a digit.",
    ),
    ({"called": "7"}, "called must be at most 40 small letters, digits and underscores, and begin with a letter."),
    ({"params": [{"kind": "wheel"}]}, "params.0.kind must be one of number, words or switch."),
    ({"params": [{}]}, "params.0.kind is required."),
    ({"params": [7]}, "params.0 must be an object."),
]


@pytest.mark.parametrize(("body", "said"), REFUSED, ids=lambda value: str(value)[:60])
def test_a_fault_is_said_in_our_words_and_once(body: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        Asked.model_validate(body)
    problem = invalid_request(_of_a_body(wrong.value), "application/json")
    assert problem.detail == said
    (fault,) = problem.extras["errors"]
    assert fault["field"] == problem.field == said.replace(":", "").split(" ")[0]


def test_only_kinds_are_listed_as_kinds() -> None:
    unknown = {"type": "odd_type", "loc": ("body", "size"), "msg": "…"}
    text = {"type": "string_type", "loc": ("body", "size"), "msg": "…"}
    assert [fault["message"] for fault in faults_of([unknown])] == ["is not valid"]
    for errors in ([unknown, text], [text, unknown]):
        assert [fault["message"] for fault in faults_of(errors)] == ["must be text"]


@pytest.mark.parametrize(
    ("content_type", "said"),
    [
        (None, "The body must be JSON, sent with Content-Type: application/json."),
        ("text/plain", "The body must be JSON, sent with Content-Type: application/json."),
        ("application/json; charset=utf-8", "The body must be an object."),
        ("application/merge-patch+json", "The body must be an object."),
    ],
)
def test_a_body_that_nobody_said_was_json_is_told_so(content_type: str | None, said: str) -> None:
    errors = [{"type": "model_attributes_type", "loc": ("body",), "msg": "Input should be …", "input": b"{}"}]
    assert invalid_request(RequestValidationError(errors).errors(), content_type).detail == said


def _of_a_body(wrong: ValidationError) -> list[dict[str, Any]]:
    return [{**error, "loc": ("body", *error["loc"])} for error in wrong.errors()]
