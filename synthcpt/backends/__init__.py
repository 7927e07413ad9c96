"""Where completions come from: one file a backend, one row a backend in `base.BACKENDS`."""

from synthcpt.backends.base import (
    BACKENDS,
    Backend,
    BackendOptions,
    Capabilities,
    Continuer,
    ScoredPiece,
    Scorer,
    backend_class,
)

__all__ = [
    "BACKENDS",
    "Backend",
    "BackendOptions",
    "Capabilities",
    "Continuer",
    "ScoredPiece",
    "Scorer",
    "backend_class",
]
