"""The command `vermilion serve`: everything that may refuse comes first, the heavy part is imported meanwhile."""

import contextlib
import gc
from contextlib import ExitStack

import structlog

from vermilion.db.lock import hold_house_lock
from vermilion.logs import configure_logs
from vermilion.settings import Settings
from vermilion.terminal.sandbox_process import listening_socket, running_sandbox

log = structlog.get_logger(__name__)


def serve(settings: Settings, *, with_sandbox: bool, with_upgrade: bool) -> None:
    """Serve until told to stop. Raises `HouseIsRunning`, or `Problem` where something is in the way."""
    # Nearly all that is made while the house opens stays as long as the house: there is nothing to collect in it,
    # and looking was a fifth of the start. It is switched on again when the house is open.
    gc.disable()
    configure_logs(settings.log_level)
    settings.data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(hold_house_lock(settings.data, settings.url_of_database))
        door = stack.enter_context(contextlib.closing(listening_socket(settings.host, settings.port, option="--port")))
        # It starts on another processor while this one imports the rest.
        sandbox = stack.enter_context(running_sandbox(settings)) if with_sandbox else None

        from vermilion.terminal.data import bring_up_to_date
        from vermilion.terminal.studio import run

        if (done := bring_up_to_date(settings, also_behind=with_upgrade)) is not None:
            snapshot = str(done.snapshot.path) if done.snapshot else None
            log.info("database.upgraded", before=done.before, after=done.after, snapshot=snapshot)
        run(settings, door, sandbox)
