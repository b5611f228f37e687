"""Whole clusters of the real membership core on a virtual clock and a simulated network."""
