"""Codes cannot be tried out: so many wrong ones, and a person waits; who has good ones is never kept waiting."""

from pathlib import Path

from tests.api.studio import open_studio
from vermilion.billing.codes import new_code


async def test_wrong_codes_use_up_a_persons_tries_and_right_ones_give_them_back(
    database_url: str, tmp_path: Path
) -> None:
    async with open_studio(tmp_path / "house", database_url, "http://127.0.0.1:9", rate_limits=True) as studio:
        admin, someone, other = await studio.admin(), await studio.person(), await studio.person()
        body = {"count": 25, "amount_credits": 1}
        codes = (await admin.post("/admin/redemption-codes", body, status=201))["codes"]
        good = [each["code"] for each in codes]
        for code in good[:23]:
            await someone.post("/credits/redemptions", {"code": code})
        for _ in range(20):
            await someone.post("/credits/redemptions", {"code": new_code()}, status=404)
        refused = await someone.client.post("/credits/redemptions", json={"code": good[23]})
        assert (refused.status_code, refused.json()["code"]) == (429, "rate.limited")
        assert int(refused.headers["Retry-After"]) >= 1
        # The described way in is the same door.
        assert (await someone.client.post(f"/credit/redemption_codes/{good[23]}/receive")).status_code == 429
        await other.post("/credits/redemptions", {"code": good[24]})
        await studio.is_sound()
