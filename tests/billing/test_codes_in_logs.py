"""A redemption code in an address is written into no log: who reads it there could redeem it."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.api.studio import open_studio
from vermilion.billing import redeeming
from vermilion.dialects import redemption_api


def _break(*_args: Any, **_more: Any) -> Any:
    raise RuntimeError("a fault for a test")


@pytest.mark.parametrize("where", ["in the route", "before any route"])
async def test_a_fault_of_ours_logs_no_code(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    async with open_studio(tmp_path / "house", database_url, "http://127.0.0.1:9") as studio:
        admin, someone = await studio.admin(), await studio.person()
        made = await admin.post("/admin/redemption-codes", {"count": 1, "amount_credits": 1}, status=201)
        code = made["codes"][0]["code"]
        at = f"/credit/redemption_codes/{code}"
        with capture_logs() as logs, monkeypatch.context() as patched:
            if where == "in the route":
                patched.setattr(redeeming, "redeem", _break)
                patched.setattr(redemption_api, "id_of_code", _break)
            else:
                patched.setattr(studio.house.limiter, "require", _break)
            answers = [
                await someone.client.post(f"{at}/receive"),
                await admin.client.put(at, json={"enabled": False}),
                await admin.client.delete(at),
            ]
        assert [answer.status_code for answer in answers] == [500] * 3
        said = [each for each in logs if each["event"] == "request.failed"]
        assert code not in str(logs)
        one = "/api/v1/credit/redemption_codes/{code}"
        assert [each["path"] for each in said] == (
            [f"{one}/receive", one, one] if where == "in the route" else ["/api/v1/credit/…"] * 3
        )
