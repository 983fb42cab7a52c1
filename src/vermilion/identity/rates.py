"""How much one person, key or address may ask: a leaky bucket for each, in this process's memory.

A bucket is one number, the instant at which it will be empty again (the generic cell rate algorithm): a
burst up to the quota passes, then requests pass at the rate of quota per window. It runs on the house's
clock and holds a bounded number of buckets. That is why it is not the `limits` package, whose moving window in
memory (5.8) never forgets a key: 200,000 addresses that came once kept 0.6 of a core busy for good.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, field, fields
from typing import Self

from vermilion.kit import AppError, Clock

BUCKETS_MAX = 50_000
"""Beyond it the bucket used longest ago is forgotten; about 10 MB."""


@dataclass(frozen=True, slots=True)
class Quota:
    """`requests` in `window_seconds`; `name` is what `RateLimit` headers call it."""

    name: str
    requests: int
    window_seconds: int

    def __post_init__(self) -> None:
        if self.requests < 1 or self.window_seconds < 1:
            raise ValueError("a quota allows at least one request in at least one second; None means no limit")


@dataclass(frozen=True, slots=True)
class Quotas:
    """Every quota of the house; None switches one off."""

    reads_per_actor: Quota | None = field(default=Quota("actor-reads", 6000, 60))
    writes_per_actor: Quota | None = field(default=Quota("actor-writes", 600, 60))
    reads_per_ip: Quota | None = field(default=Quota("address-reads", 12_000, 60))
    """Wider than one person's: an office may share an address."""
    writes_per_ip: Quota | None = field(default=Quota("address-writes", 1200, 60))
    sign_in_per_ip: Quota | None = field(default=Quota("sign-in-address", 60, 300))
    sign_in_per_account: Quota | None = field(default=Quota("sign-in-account", 10, 900))
    """Only failures stay in this bucket, so nobody who knows the password is kept out for long."""
    sign_up_per_ip: Quota | None = field(default=Quota("sign-up-address", 20, 3600))
    redeem_per_actor: Quota | None = field(default=Quota("redeem-actor", 20, 3600))
    """Only tries that fail stay in this bucket: whoever has good codes may have many."""
    redeem_per_ip: Quota | None = field(default=Quota("redeem-address", 300, 3600))
    payment_looks_per_actor: Quota | None = field(default=Quota("payment-looks", 60, 60))
    """Each makes the house ask the payment gateway."""

    codes_per_ip: Quota | None = field(default=Quota("codes-address", 20, 3600))
    """What one number and one day may have is counted in the database, where money is spent; these turn away crowds."""
    codes_per_ip_daily: Quota | None = field(default=Quota("codes-address-daily", 50, 86_400))
    """So that no single address uses up what everybody may have in a day."""
    codes_per_network: Quota | None = field(default=Quota("codes-network", 200, 86_400))
    codes_per_range: Quota | None = field(default=Quota("codes-range", 20, 3600))
    """Of the ten thousand numbers around one: whoever is paid per message tries them one after another."""

    @classmethod
    def none(cls) -> Self:
        """No limits at all, for benchmarks and tests of other things."""
        return cls(**{quota.name: None for quota in fields(cls)})


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a quota after a request: `wait_seconds` is 0 when it passed."""

    quota: Quota
    remaining: int
    reset_seconds: int
    wait_seconds: int


class Limiter:
    """Counts requests against quotas."""

    def __init__(self, quotas: Quotas, clock: Clock, *, buckets_max: int = BUCKETS_MAX) -> None:
        self.quotas = quotas
        self._clock = clock
        self._buckets_max = buckets_max
        self._empty_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def ask(self, quota: Quota, key: str) -> Allowance:
        """Take one request from `key`'s quota if there is one left, and tell how it stands."""
        now = self._clock.monotonic()
        bucket = (quota.name, key)
        interval = quota.window_seconds / quota.requests
        filled = max(self._empty_at.get(bucket, now), now) - now
        wait = filled + interval - quota.window_seconds
        # Sums of many small steps leave dust behind; less than a thousandth of a request is none.
        if wait > interval / 1000:
            return Allowance(quota, 0, math.ceil(filled), max(1, math.ceil(wait)))
        filled += interval
        self._empty_at[bucket] = now + filled
        self._empty_at.move_to_end(bucket)
        if len(self._empty_at) > self._buckets_max:
            self._empty_at.popitem(last=False)
        remaining = max(0, math.floor((quota.window_seconds - filled) / interval + 0.001))
        return Allowance(quota, remaining, math.ceil(filled), 0)

    def require(self, quota: Quota | None, key: str) -> Allowance | None:
        """`ask`, raising 429 `rate.limited` when nothing is left; no quota, no limit."""
        if quota is None:
            return None
        allowance = self.ask(quota, key)
        if allowance.wait_seconds:
            raise rate_limited(allowance)
        return allowance

    def forgive(self, quota: Quota | None, key: str) -> None:
        """Empty `key`'s bucket."""
        if quota is not None:
            self._empty_at.pop((quota.name, key), None)


def rate_limited(allowance: Allowance) -> AppError:
    """The problem for a request that came too early, with every header that says when to come back."""
    return AppError(
        "rate.limited",
        f"Too many requests. Try again in {allowance.wait_seconds} s.",
        status=429,
        extras={"retry_after_seconds": allowance.wait_seconds},
        headers={"Retry-After": str(allowance.wait_seconds), **rate_headers([allowance])},
    )


def rate_headers(allowances: list[Allowance]) -> dict[str, str]:
    """The `RateLimit` and `RateLimit-Policy` fields (draft-ietf-httpapi-ratelimit-headers)."""
    return {
        "RateLimit": ", ".join(f'"{a.quota.name}";r={a.remaining};t={a.reset_seconds}' for a in allowances),
        "RateLimit-Policy": ", ".join(
            f'"{a.quota.name}";q={a.quota.requests};w={a.quota.window_seconds}' for a in allowances
        ),
    }
