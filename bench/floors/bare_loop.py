"""`python -m bench.floors.bare_loop ORIGIN KEY COUNT FOLDER`: the same vendor calls, and nothing else.

Every job at once: submit, ask for the status, ask for the result, download the picture to a file. No database, no
ledger, no checks, nothing survives a crash. Prints the seconds and processor seconds it took as JSON.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import aiohttp
import uvloop

MODEL = "fal-ai/flux/schnell"


async def _one(session: aiohttp.ClientSession, origin: str, number: int, folder: Path) -> None:
    async with session.post(f"{origin}/fal/{MODEL}", json={"prompt": f"picture {number}"}) as answer:
        ticket = await answer.json()
    while True:
        async with session.get(ticket["status_url"]) as answer:
            if (await answer.json())["status"] == "COMPLETED":
                break
    async with session.get(ticket["response_url"]) as answer:
        result = await answer.json()
    async with session.get(result["images"][0]["url"]) as answer:
        with (folder / f"{number}.png").open("wb") as file:
            async for piece in answer.content.iter_any():
                file.write(piece)


async def _all(origin: str, key: str, count: int, folder: Path) -> float:
    connector = aiohttp.TCPConnector(limit=512)
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Key {key}"}) as session:
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(_one(session, origin, number, folder))
        return time.perf_counter() - begun


def main() -> None:
    """Run once."""
    origin, key, count, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
    folder.mkdir(parents=True)
    before = time.process_time()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seconds = runner.run(_all(origin, key, count, folder))
    sys.stdout.write(json.dumps({"seconds": seconds, "cpu_seconds": time.process_time() - before}))


if __name__ == "__main__":
    main()
