"""The ways out: one file for each kind of integration, and one table of them."""
