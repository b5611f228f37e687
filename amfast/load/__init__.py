"""``amfast-load``: speaks like Prometheus servers to any Alertmanager, and measures what comes back."""
