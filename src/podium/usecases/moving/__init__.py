"""Moving models between registries: what belongs together, how it compares with what is there, and writing it."""
