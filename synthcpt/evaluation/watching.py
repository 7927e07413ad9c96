"""What an evaluation tells whoever watches it."""

from __future__ import annotations

from typing import Protocol


class Watcher(Protocol):
    """Is told what happens; calls come from one thread."""

    def began(self, what: str, total: int, done: int) -> None:
        """A step begins: so many questions (texts, answers), of which some are done already."""
        ...

    def advanced(self, count: int) -> None:
        """So many more are done."""
        ...

    def noted(self, sentence: str) -> None:
        """Something to know."""
        ...


class Silent:
    """Shows nothing."""

    def began(self, what: str, total: int, done: int) -> None:
        """Nothing."""

    def advanced(self, count: int) -> None:
        """Nothing."""

    def noted(self, sentence: str) -> None:
        """Nothing."""
