"""Questions about agreements that the register, the submissions and the editions answer together: why, and what if. Nothing is changed."""
