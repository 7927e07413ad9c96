"""Combining the weights of models that share an architecture."""
