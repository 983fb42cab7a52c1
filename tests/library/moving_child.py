"""A house of its own process that begins to move every file, says so, and goes on until somebody kills it."""

import asyncio
import sys

from vermilion.library import begin_moving_files
from vermilion.settings import Settings
from vermilion.wiring import open_house


async def main() -> None:
    """Open the house the environment names and begin."""
    async with open_house(Settings()) as house:
        await begin_moving_files(house, None)
        sys.stdout.write("moving\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


asyncio.run(main())
