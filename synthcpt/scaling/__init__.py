"""Accuracy against synthetic tokens: fitted laws, and a toy model of why there is such a curve."""

from synthcpt.scaling.asymptote import Asymptote
from synthcpt.scaling.fitting import Fits, LawFit, fit_laws

__all__ = ["Asymptote", "Fits", "LawFit", "fit_laws"]
