"""What the values of the flags must fulfil before anything starts (reference flags, sections 2 and 3)."""

from __future__ import annotations

from amfast.cli.flags import FEATURES, FLAGS, Options
from amfast.model.errors import AmfastError

_LABEL_BYTES_MAX = 255

_POSITIVE = (
    "data_retention_s",
    "data_maintenance_interval_s",
    "alerts_gc_interval_s",
    "dispatch_maintenance_interval_s",
)
_POSITIVE_IN_A_CLUSTER = (
    "cluster_peer_timeout_s",
    "cluster_peers_resolve_timeout_s",
    "cluster_gossip_interval_s",
    "cluster_pushpull_interval_s",
    "cluster_tcp_timeout_s",
    "cluster_probe_timeout_s",
    "cluster_probe_interval_s",
    "cluster_reconnect_interval_s",
    "cluster_reconnect_timeout_s",
)


def check_options(options: Options) -> None:
    """Raise AmfastError, naming the flag, for the first value that cannot work."""
    _check_features(options)
    if options.refused:
        raise AmfastError(
            f"{', '.join(options.refused)}: not supported by this version of amfast; "
            "leave it out only if the node may run without what it asks for"
        )
    for name in ("config_file", "storage_path"):
        if not getattr(options, name):
            raise AmfastError(f"--{FLAGS[name].name} must not be empty")
    _check_positive(options, _POSITIVE, "")
    if options.cluster_listen_address:
        _check_positive(options, _POSITIVE_IN_A_CLUSTER, " when clustering is on")
        size_bytes = len(options.cluster_label.encode("utf-8", "surrogateescape"))
        if size_bytes > _LABEL_BYTES_MAX:
            raise AmfastError(
                f"--cluster.label has {size_bytes} bytes, at most {_LABEL_BYTES_MAX} are possible"
            )


def _check_features(options: Options) -> None:
    for name in options.features:
        if name not in FEATURES:
            raise AmfastError(
                f"unknown option '{name}' for --enable-feature, known are {', '.join(FEATURES)}"
            )
    if {"classic-mode", "utf8-strict-mode"} <= set(options.features):
        raise AmfastError("--enable-feature cannot have both classic-mode and utf8-strict-mode")
    if "auto-gomemlimit" in options.features and not 0 < options.auto_gomemlimit_ratio <= 1:
        raise AmfastError("--auto-gomemlimit.ratio must be greater than 0 and at most 1")


def _check_positive(options: Options, names: tuple[str, ...], when: str) -> None:
    for name in names:
        value_s = getattr(options, name)
        if value_s <= 0:
            raise AmfastError(f"--{FLAGS[name].name} must be greater than 0{when}, not {value_s:g}s")
