"""The durable engine: `ask`, its journal, the scheduler that keeps a backend full, and the parts of a run."""
