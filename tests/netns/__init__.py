"""Whole clusters on hosts of their own: network namespaces behind a switch that can lose, delay and cut."""
