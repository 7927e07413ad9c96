"""A backend for several runs."""

from __future__ import annotations

from synthcpt.backends.vllm import VllmBackend


class KeptOpen(VllmBackend):
    """A backend that several runs use one after another: closing is for whoever opened it."""

    async def close(self) -> None:
        """Stay open."""

    async def close_for_good(self) -> None:
        """End the engine."""
        await super().close()
