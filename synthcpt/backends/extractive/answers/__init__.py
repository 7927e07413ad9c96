"""The embedded backend's answers, a module a method: ``ANSWERS`` maps a prompt to its rule and the slots it needs."""
