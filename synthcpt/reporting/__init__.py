"""The report: one self-contained HTML page about a run, a training, an evaluation or an experiment."""
