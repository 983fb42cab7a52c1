"""The terminal: `vermilion …`. Commands are declared here and done in `vermilion.terminal`, imported when needed."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

DataOption = Annotated[Path | None, typer.Option(help="The data folder.", envvar="VERMILION_DATA", show_default="data")]
UrlOption = Annotated[str | None, typer.Option(help="Where the server is.", envvar="VERMILION_URL", show_default=False)]
KeyOption = Annotated[str | None, typer.Option(help="An API key.", envvar="VERMILION_API_KEY", show_default=False)]
EmailOption = Annotated[str | None, typer.Option(help="Sign in with this address instead of a key.")]
PasswordOption = Annotated[str | None, typer.Option(help="The password; asked for where there is a terminal.")]


class _Commands(TyperGroup):
    """Ends with one line on standard error for everything that may be expected to go wrong."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:
            # The outermost rim: what has a line gets it, the rest keeps its traceback.
            from vermilion.terminal.problem import problem_from

            problem = problem_from(error)
            if problem is None:
                raise
            typer.secho(f"vermilion: {problem}", err=True, fg="red" if sys.stderr.isatty() else None)
            raise typer.Exit(problem.exit_code) from None


app = typer.Typer(
    cls=_Commands,
    name="vermilion",
    help="A self-hosted studio for images and video: any vendor's model, one balance of credits.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
admin_app = typer.Typer(help="Make admins and grant credits.", no_args_is_help=True)
db_app = typer.Typer(help="Look after the database: migrations, snapshots, repairs.", no_args_is_help=True)
ledger_app = typer.Typer(help="Look after the credits.", no_args_is_help=True)
app.add_typer(admin_app, name="admin", rich_help_panel="The house")
app.add_typer(db_app, name="db", rich_help_panel="The house")
app.add_typer(ledger_app, name="ledger", rich_help_panel="The house")

HOUSE = "The house"
STUDIO = "The studio, from anywhere"


@app.command(rich_help_panel=HOUSE)
def serve(
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Play every vendor here, so that no key is needed.")
    ] = False,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Apply pending migrations first, after a snapshot.")
    ] = False,
    data: DataOption = None,
    port: Annotated[
        int | None, typer.Option(help="Listen on this port.", envvar="VERMILION_PORT", show_default="8080", max=65535)
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Listen on this address.", envvar="VERMILION_HOST", show_default="127.0.0.1")
    ] = None,
) -> None:
    """Open the studio: the server with everything in it."""
    from vermilion.terminal.reading import read_settings
    from vermilion.terminal.serving import serve as open_studio

    open_studio(read_settings(data=data, port=port, host=host), with_sandbox=sandbox, with_upgrade=upgrade)


@app.command(rich_help_panel=HOUSE)
def sandbox(
    port: Annotated[int, typer.Option(help="Listen on this port.", min=1, max=65535)] = 8081,
    host: Annotated[str, typer.Option(help="Listen on this address.")] = "127.0.0.1",
    data: Annotated[Path | None, typer.Option(help="Keep jobs and uploads here over restarts.")] = None,
    speed: Annotated[
        float, typer.Option(help="How many times faster than life.", envvar="VERMILION_SANDBOX_SPEED")
    ] = 1.0,
    fast: Annotated[
        bool, typer.Option("--fast", help="No waiting at all and one plain picture, for load tests.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Durations and chances follow from it.")] = 0,
) -> None:
    """Play every vendor's API on this machine; the failures it can rehearse are on its first page."""
    from vermilion.terminal.sandbox_process import run_sandbox

    run_sandbox(host=host, port=port, data=data, speed=speed, fast=fast, seed=seed)


@app.command(rich_help_panel=STUDIO)
def create(
    prompt: Annotated[str, typer.Argument(help="What to make, in words.")],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Which model; see `vermilion models`.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="NAME=VALUE", help="A parameter; may be repeated.")
    ] = None,
    input_: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", metavar="ROLE=FILE", help="A picture to work from; may be repeated."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Write the files into this folder.")] = Path(),
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the files, or only print the id.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the files' names only.")] = False,
    url: UrlOption = None,
    api_key: KeyOption = None,
    email: EmailOption = None,
    password: PasswordOption = None,
) -> None:
    """Make a picture or a film on a running server: waits with a progress bar, writes the files, prints the receipt.

    Credits are held before anything is made and come back when nothing is. Ctrl-C offers to cancel.
    """
    from vermilion.terminal.creating import Wish
    from vermilion.terminal.creating import create as make

    wish = Wish(prompt, model, tuple(set_ or ()), tuple(input_ or ()))
    make(_door(url, api_key, email, password), wish, out=out, wait=wait, quiet=quiet)


@app.command(rich_help_panel=STUDIO)
def models(
    url: UrlOption = None, api_key: KeyOption = None, email: EmailOption = None, password: PasswordOption = None
) -> None:
    """List the models of a running server, with their prices."""
    from vermilion.terminal.creating import list_models

    list_models(_door(url, api_key, email, password))


@admin_app.command("create")
def admin_create(
    email: Annotated[str, typer.Option(help="The admin's e-mail address.")],
    password: Annotated[
        str | None,
        typer.Option(help="Their password; asked for where there is a terminal.", envvar="VERMILION_PASSWORD"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Their name.", show_default="from the address")] = None,
    api_key: Annotated[bool, typer.Option("--api-key", help="Make an API key and print it as the last line.")] = False,
    grant: Annotated[int, typer.Option(help="Grant this many credits beside the welcome.", min=0, max=100_000_000)] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the key and nothing else.")] = False,
    data: DataOption = None,
) -> None:
    """Make an admin, also while the server runs. Exit status 3 means that the address has signed up already."""
    from vermilion.terminal.admins import make_admin
    from vermilion.terminal.reading import read_settings

    make_admin(read_settings(data=data), email, password, name, grant, api_key, quiet)


@admin_app.command("grant")
def admin_grant(
    email: Annotated[str, typer.Argument(help="Whose credits.")],
    amount: Annotated[
        int, typer.Argument(help="How many; a negative number takes.", min=-100_000_000, max=100_000_000)
    ],
    reason: Annotated[str, typer.Option(help="Stands in their statement.")] = "granted at the terminal",
    data: DataOption = None,
) -> None:
    """Give a person credits, or take some away."""
    from vermilion.terminal.admins import grant
    from vermilion.terminal.reading import read_settings

    grant(read_settings(data=data), email, amount, reason)


@db_app.command("status")
def db_status(data: DataOption = None) -> None:
    """Show revision, pending migrations and drift; exit status 1 when something is pending or drifted."""
    from vermilion.terminal.databases import show_status
    from vermilion.terminal.reading import read_settings

    show_status(read_settings(data=data))


@db_app.command("upgrade")
def db_upgrade(
    data: DataOption = None,
    without_snapshot: Annotated[
        bool, typer.Option("--without-snapshot", help="Take none: you have a backup of your own.")
    ] = False,
) -> None:
    """Apply pending migrations, after a snapshot of what is there."""
    from vermilion.terminal.databases import upgrade
    from vermilion.terminal.reading import read_settings

    upgrade(read_settings(data=data), snapshot_first=not without_snapshot)


@db_app.command("snapshot")
def db_snapshot(data: DataOption = None) -> None:
    """Copy the database into the data folder's `snapshots`, also while the server runs."""
    from vermilion.terminal.databases import take_snapshot
    from vermilion.terminal.reading import read_settings

    take_snapshot(read_settings(data=data))


@db_app.command("restore")
def db_restore(snapshot: Annotated[Path, typer.Argument(help="The snapshot's file.")], data: DataOption = None) -> None:
    """Put a snapshot back. Refuses while a server runs; what was there is kept as a snapshot too."""
    from vermilion.terminal.databases import restore
    from vermilion.terminal.reading import read_settings

    restore(read_settings(data=data), snapshot)


@db_app.command("doctor")
def db_doctor(
    data: DataOption = None,
    mend: Annotated[bool, typer.Option("--mend", help="Make missing or changed indexes and triggers again.")] = False,
) -> None:
    """Look for damage and drift; exit status 1 when something is wrong. Data itself is never changed."""
    from vermilion.terminal.databases import examine
    from vermilion.terminal.reading import read_settings

    examine(read_settings(data=data), mend=mend)


@ledger_app.command("fsck")
def ledger_fsck(
    data: DataOption = None,
    files: Annotated[bool, typer.Option("--files/--no-files", help="Look for every asset's file too.")] = True,
) -> None:
    """Check every promise about credits, generations and files; exit status 1 with what is broken."""
    from vermilion.terminal.ledgers import audit
    from vermilion.terminal.reading import read_settings

    audit(read_settings(data=data), with_files=files)


@app.command(rich_help_panel=HOUSE)
def version() -> None:
    """Print the version."""
    from vermilion import __version__

    typer.echo(__version__)


def _door(url: str | None, api_key: str | None, email: str | None, password: str | None) -> Any:
    from vermilion.terminal.creating import Door
    from vermilion.terminal.problem import Problem

    url = url or f"http://127.0.0.1:{os.environ.get('VERMILION_PORT', '8080')}"
    if api_key is None or email is not None:
        api_key = None
        if sys.stdin.isatty():
            email = email or typer.prompt("E-mail", err=True)
            password = password or typer.prompt("Password", hide_input=True, err=True)
        elif email is None or password is None:
            raise Problem("Who are you? Give VERMILION_API_KEY or --api-key, or --email and --password.")
    return Door(url, api_key, email, password)


def main() -> None:
    """The `vermilion` command."""
    app(prog_name="vermilion")
