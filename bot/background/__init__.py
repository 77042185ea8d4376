"""What runs without anyone asking for it."""
