"""The methods: one module each, found by name; they never import one another."""
