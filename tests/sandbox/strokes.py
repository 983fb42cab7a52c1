"""Asking for a failure in either of the two ways, and where the proofs are kept that each of them strikes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from vermilion.sandbox.config import SandboxConfig
from vermilion.sandbox.stage import Stage
from vermilion.sandbox.vendor import vendors

from .conftest import Reply
from .scenes import Scene, Seen
from .scenes_of_vendors import SCENES

VENDORS = {name: vendors()[name](Stage(SandboxConfig())) for name in SCENES}


@dataclass
class Stroke:
    """One way to ask for a failure: how a prompt asks for it, or that it was armed."""

    scene: Scene
    kind: str
    argument: str
    armed: bool

    async def run(self, prompt: str = "a fox", *, argument: str | None = None, **more: Any) -> Seen:
        return await self.scene.run(await self.words(prompt, argument), **more)

    async def submit(self, prompt: str = "a fox", **more: Any) -> Reply:
        return await self.scene.submit(await self.words(prompt), **more)

    async def words(self, prompt: str = "a fox", argument: str | None = None) -> str:
        """The prompt to send; what is armed strikes the next job."""
        argument = self.argument if argument is None else argument
        if self.armed:
            await self.scene.sandbox.arm(self.kind, vendor=self.scene.name, argument=argument)
            return prompt
        return f"{prompt} [[{self.kind}{':' if argument else ''}{argument}]]"

    async def job(self) -> Any:
        return (await self.scene.sandbox.jobs())[-1]


Proof = Callable[[Stroke], Awaitable[None]]
PROOFS: dict[tuple[str, str], Proof] = {}


def proves(*kinds: str, of: str = "") -> Callable[[Proof], Proof]:
    """Marks a proof of failures at every vendor that has them, or `of` one alone."""

    def keep(proof: Proof) -> Proof:
        PROOFS.update({(of, kind): proof for kind in kinds})
        return proof

    return keep


def named(value: object) -> str:
    if isinstance(value, bool):
        return "armed" if value else "marked"
    return value.__name__ if isinstance(value, type) else str(value)
