"""What is generated is what its source generates now: the API's description, and the web app's client."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vermilion.app.openapi import described

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
GENERATOR = WEB / "node_modules" / ".bin" / "openapi-typescript"


def test_the_description_of_the_api_is_fresh() -> None:
    """Otherwise: `make openapi`."""
    assert (WEB / "openapi.json").read_text(encoding="utf-8") == described(), "run `make client`"


def test_the_client_is_fresh(tmp_path: Path) -> None:
    """Otherwise: `make client`."""
    if not GENERATOR.exists() and not os.environ.get("CI"):
        pytest.skip("the web app's packages are not installed: make web")
    made = tmp_path / "schema.d.ts"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [str(GENERATOR), "openapi.json", "-o", str(made), "--default-non-nullable", "false"]
    subprocess.run(command, cwd=WEB, env=environment, check=True, capture_output=True, timeout=120)
    assert made.read_text(encoding="utf-8") == (WEB / "src/lib/api/schema.d.ts").read_text(encoding="utf-8"), (
        "run `make client`"
    )
