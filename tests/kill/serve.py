"""The server of a kill run: `python -m tests.kill.serve`, configured by the environment like the real one."""

import asyncio

import uvicorn

from vermilion.app import create_app
from vermilion.db.lock import hold_house_lock
from vermilion.settings import Settings
from vermilion.wiring import open_house


async def main() -> None:
    """Open the house and serve it until somebody kills the process."""
    settings = Settings()
    with hold_house_lock(settings.data, settings.url_of_database):
        async with open_house(settings) as house:
            config = uvicorn.Config(create_app(house), port=settings.port, log_level="warning", lifespan="off")
            await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
