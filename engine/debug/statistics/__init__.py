"""Statistics of every parameter, activation and gradient, step by step."""
