"""A simulated teacher: it answers as a language model might that reads an invented world's documents; no model."""

from synthcpt.backends.simulated.backend import SimulatedBackend, SimulatedOptions

__all__ = ["SimulatedBackend", "SimulatedOptions"]
