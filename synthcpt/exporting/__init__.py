"""The data and a configuration for other projects' trainers."""
