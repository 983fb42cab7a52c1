"""Settings: the environment, read once. What an operator changes while the house runs are choices, in the database."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every `VERMILION_…` variable; `docs/settings.md` explains each. Unset ones have these defaults."""

    model_config = SettingsConfigDict(env_prefix="VERMILION_", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    data: Path = Path("data")
    """The folder of everything this house keeps: database, files, keys, snapshots."""
    database_url: str | None = None
    """`sqlite:///…` or `postgresql://…`; unset is `vermilion.db` in the data folder."""
    public_url: str | None = None
    """How people reach the house (`https://studio.example`): cookies, links and callbacks follow from it."""
    callback_url: str | None = None
    """How providers reach the house, where that differs from `public_url`."""
    trusted_proxies: str = ""
    """Networks whose `X-Forwarded-For` is believed, separated by commas."""
    workers: Annotated[int, Field(ge=1, le=64)] | None = None
    """Processes that inspect files; unset is one per two processors."""
    max_upload_bytes: Annotated[int, Field(ge=1024, le=4 * 2**30)] = 500 * 2**20
    rate_limits: bool = True
    log_level: str = "info"
    sandbox_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Where `serve --sandbox` puts the sandbox; unset is the port after ours."""
    sandbox_speed: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """How many times faster than life the sandbox's vendors work."""

    @field_validator("public_url", "callback_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is None or value == "":
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("must be http://host or https://host")
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"

    @field_validator("log_level")
    @classmethod
    def _is_level(cls, value: str) -> str:
        if value.lower() not in ("debug", "info", "warning", "error"):
            raise ValueError("must be debug, info, warning or error")
        return value.lower()

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for network in filter(None, map(str.strip, value.split(","))):
            ip_network(network, strict=False)
        return value

    @property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`trusted_proxies` as networks."""
        return tuple(
            ip_network(network, strict=False)
            for network in filter(None, map(str.strip, self.trusted_proxies.split(",")))
        )

    @property
    def url_of_database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{(self.data / 'vermilion.db').resolve()}"

    @property
    def address(self) -> str:
        """How people reach the house."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def port_of_sandbox(self) -> int:
        """Where the sandbox listens."""
        return self.sandbox_port or self.port + 1

    @property
    def url_of_sandbox(self) -> str:
        """How this house reaches its own sandbox; nobody else can."""
        return f"http://127.0.0.1:{self.port_of_sandbox}"
