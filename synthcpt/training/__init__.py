"""Continued pretraining: a configuration and packed data in, a model out."""
