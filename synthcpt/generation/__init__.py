"""The first stage: documents in, shards of synthetic text out."""

from synthcpt.generation.generate import Generation, generate, generate_async
from synthcpt.generation.run import Run

__all__ = ["Generation", "Run", "generate", "generate_async"]
