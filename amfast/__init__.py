"""amfast: a drop-in Alertmanager node with a native core."""

__version__ = "0.1.0"
