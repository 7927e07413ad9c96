"""Estimates with intervals and paired comparisons, for answers that come in clusters: never a bare mean.

After Miller, "Adding error bars to evals" (arXiv 2411.00640): questions about one document stand or fall together, so
documents are resampled, not questions; two models are compared on the same questions.
"""

from synthcpt.statistics.differences import Difference, paired_difference
from synthcpt.statistics.estimates import Estimate, mean_estimate
from synthcpt.statistics.power import needed_questions
from synthcpt.statistics.seeds import seeds_difference, seeds_estimate
from synthcpt.statistics.tests import McNemar, holm, mcnemar

__all__ = [
    "Difference",
    "Estimate",
    "McNemar",
    "holm",
    "mcnemar",
    "mean_estimate",
    "needed_questions",
    "paired_difference",
    "seeds_difference",
    "seeds_estimate",
]
