"""`python -m bench.floors.sleepers COUNT`: so many bare asyncio tasks asleep; prints the bytes they take as JSON."""

import asyncio
import json
import os
import sys

from bench.processes import memory_bytes


async def _measure(count: int) -> int:
    before, _ = memory_bytes(os.getpid())
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
    await asyncio.sleep(0.5)
    after, _ = memory_bytes(os.getpid())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return after - before


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"bytes": asyncio.run(_measure(int(sys.argv[1])))}))
