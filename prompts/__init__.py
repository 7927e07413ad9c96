"""The prompts: one folder a method, one Markdown file a prompt."""
