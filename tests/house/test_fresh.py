"""What is generated is what its source generates now: the API's description, the web client, pages of the docs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vermilion.app.openapi import described
from vermilion.catalog import load_shelf
from vermilion.catalog.provider_page import described as described_providers
from vermilion.providers import adapters

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
GENERATOR = WEB / "node_modules" / ".bin" / "openapi-typescript"


def test_the_description_of_the_api_is_fresh() -> None:
    """Otherwise: `make openapi`."""
    assert (WEB / "openapi.json").read_text(encoding="utf-8") == described(), "run `make client`"


def test_the_page_about_providers_is_fresh() -> None:
    """Otherwise: `make providers`."""
    page = (ROOT / "docs/providers.md").read_text(encoding="utf-8")
    assert page == described_providers(load_shelf()), "run `make providers`"


def test_the_page_about_providers_tells_of_every_one() -> None:
    page = described_providers(load_shelf())
    for name, adapter in adapters().items():
        assert f"## {adapter.title}\n" in page
        assert f"Provider `{name}`" in page
        assert all(f"| `{field.name}` |" in page for field in adapter.credential_fields)
    assert all(f"| `{entry.id}` |" in page for entry in load_shelf().entries())


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
