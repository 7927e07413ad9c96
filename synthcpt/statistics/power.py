"""How many questions it takes to see a difference."""

from __future__ import annotations

import math
from statistics import NormalDist

from synthcpt.errors import ConfigError


def needed_questions(
    difference: float,
    *,
    disagreement: float = 0.3,
    power: float = 0.8,
    level: float = 0.95,
    questions_a_cluster: float = 1.0,
    correlation: float = 0.0,
) -> int:
    """Questions for a paired comparison to show a difference, after Miller (arXiv 2411.00640), section 5.

    Args:
        difference: of the two accuracies, e.g. 0.03.
        disagreement: share of questions that only one of the models has right.
        power: how probable it shall be that the difference shows.
        level: of the two-sided interval that shall exclude zero.
        questions_a_cluster: how many questions are about one document.
        correlation: of differences within a document; each further question about one then adds less.

    Raises:
        ConfigError: no difference to see, one that so little disagreement cannot make, or a share that is none.
    """
    if not 0 < abs(difference) <= disagreement <= 1:
        raise ConfigError("The difference must lie above 0 and can be no larger than the share of disagreements.")
    if not (0 < power < 1 and 0 < level < 1):
        raise ConfigError("Power and level lie between 0 and 1.")
    if questions_a_cluster < 1 or not 0 <= correlation <= 1:
        raise ConfigError("A cluster has one question at least, and a correlation from 0 to 1.")
    normal = NormalDist()
    z = normal.inv_cdf(0.5 + level / 2) + normal.inv_cdf(power)
    variance = disagreement - difference**2
    design = 1 + (questions_a_cluster - 1) * correlation
    return math.ceil(design * variance * (z / difference) ** 2)
