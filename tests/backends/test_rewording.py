"""Sentences are told in another order only where that is safe."""

from __future__ import annotations

import pytest

from synthcpt.backends.extractive.rewording import rewordings


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The Corve Mill was built in 1841.", ["In 1841, the Corve Mill was built.", "It was in 1841 that the Corve Mill was built."]),  # noqa: E501
        ("In 1841, Arden Vale left the mill.", ["Arden Vale left the mill in 1841.", "It was in 1841 that Arden Vale left the mill."]),  # noqa: E501
        ("The mill was designed by Arden Vale.", ["Arden Vale designed the mill."]),
        ("Arden Vale said that he left in 1841.", []),
        ("Arden Vale came and went in 1841.", []),
        ("The mill, which was old, burned in 1841.", []),
        ("In 1841, Arden Vale left in March 1842.", []),
        ("Keepers slept in 1841.", []),
    ],
)  # fmt: skip
def test_rewordings_are_safe(sentence: str, expected: list[str]) -> None:
    assert rewordings(sentence, "Arden Vale") == expected
