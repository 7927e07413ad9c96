"""One module a method: what answers each of its prompts."""
