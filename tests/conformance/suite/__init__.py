"""Real clients against the gateway: installs them, runs them, writes the matrix."""
