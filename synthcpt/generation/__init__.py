"""The first stage: documents in, shards of synthetic text out."""

from synthcpt.generation.run import Run
from synthcpt.generation.stage import Generation, generate, generate_async

__all__ = ["Generation", "Run", "generate", "generate_async"]
