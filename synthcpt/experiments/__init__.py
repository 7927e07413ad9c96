"""Experiments: arms x budgets x seeds through generate, curate, train and evaluate, and what they show."""

from synthcpt.experiments.experiment import Experiment, run_experiment
from synthcpt.experiments.folder import read_experiment, read_results
from synthcpt.experiments.recipe import CONTROLS, ArmConfig, Recipe, make_recipe, read_recipe

__all__ = [
    "CONTROLS",
    "ArmConfig",
    "Experiment",
    "Recipe",
    "make_recipe",
    "read_experiment",
    "read_recipe",
    "read_results",
    "run_experiment",
]
