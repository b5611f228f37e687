"""Clusters of whole nodes on virtual time: what is promised of notifications, and whether it holds."""
