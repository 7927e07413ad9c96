"""From texts to what a training step reads: token stores, the mixture of sources, packed windows, the audit."""
