"""Logs are lines a machine can read, and never tell a secret."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from vermilion.logs import configure_logs


@pytest.fixture(autouse=True)
def leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_one_json_object_a_line_from_us_and_from_libraries(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", pretty=False)
    structlog.get_logger("a").info("picture.kept", name="朱砂")
    logging.getLogger("somebody.else").warning("hello %s", "there")
    ours, theirs = (json.loads(line) for line in capfd.readouterr().err.splitlines())
    assert (ours["event"], ours["name"], ours["level"]) == ("picture.kept", "朱砂", "info")
    assert (theirs["event"], theirs["level"]) == ("hello there", "warning")


def test_what_is_named_like_a_secret_is_masked(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("debug", pretty=False)
    structlog.get_logger("a").info(
        "x", password="s3same", api_key="s3same", Authorization="s3same", token_hash="s3same"
    )
    assert "s3same" not in capfd.readouterr().err


def test_the_level_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning", pretty=False)
    structlog.get_logger("a").info("not.told")
    assert capfd.readouterr().err == ""
