"""The flags of the daemon: one row each, which is at the same time the field that holds its value.

Names, defaults and meaning: reference flags, section 2. To add a flag, add a row; the grammar, the help and
the completion read this table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

from amfast.cli import grammar
from amfast.cli.declare import Command, Effect, Flag, flag, flags_of


class Feature(NamedTuple):
    """One name that ``--enable-feature`` takes (reference flags, section 3)."""

    help: str
    works: bool


FEATURES = {
    "alert-names-in-metrics": Feature("Alert names in metrics enabled", works=False),
    "receiver-name-in-metrics": Feature("Receiver names in metrics enabled", works=False),
    "group-key-in-metrics": Feature("Group keys in metrics enabled", works=False),
    "classic-mode": Feature("Classic matchers and label names enabled", works=True),
    "utf8-strict-mode": Feature("UTF-8 matchers only enabled", works=True),
    "auto-gomemlimit": Feature("Memory limit from the machine enabled", works=False),
    "event-recorder": Feature("Event recorder enabled", works=True),
}
"""Feature names; ``help`` is what the log says at the start when it is enabled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, read: one field per flag. Fields ending in ``_s`` are seconds."""

    config_file: str = flag("config.file", "string", "alertmanager.yml", "The configuration file.")
    config_auto_reload: bool = flag(
        "config.auto-reload",
        "switch",
        None,
        "Reload the configuration by itself when its file has changed. Alertmanager does not have this flag.",
    )
    config_schema: bool = flag(
        "config.schema",
        "switch",
        None,
        "Print a JSON Schema of the configuration file, for editors, and exit. Alertmanager does not have this flag.",
    )
    storage_path: str = flag(
        "storage.path", "string", "data/", "Folder that keeps silences and the notification log."
    )
    storage_alerts: bool = flag(
        "storage.alerts",
        "switch",
        "true",
        "Keep alerts and the timers of their groups on disk as well, so that a restart forgets nothing. Alertmanager "
        "does not have this flag.",
    )
    data_retention_s: float = flag(
        "data.retention",
        "duration",
        "120h",
        "How long expired silences and entries of the notification log are kept.",
    )
    data_maintenance_interval_s: float = flag(
        "data.maintenance-interval",
        "duration",
        "15m",
        "How often silences and the notification log are cleaned up and written to disk.",
    )
    silences_max_silences: int = flag(
        "silences.max-silences",
        "int",
        "0",
        "How many silences may exist, expired ones included. No limit if 0 or less.",
    )
    silences_max_silence_size_bytes: int = flag(
        "silences.max-silence-size-bytes",
        "int",
        "0",
        "How large one stored silence may be, in bytes. No limit if 0 or less.",
    )
    log_silences: bool = flag(
        "log.silences",
        "switch",
        None,
        "Write a log line whenever the state of a silence changes.",
        effect="none",
    )
    alerts_gc_interval_s: float = flag(
        "alerts.gc-interval", "duration", "30m", "How often resolved alerts are removed from memory."
    )
    alerts_per_alertname_limit: int = flag(
        "alerts.per-alertname-limit",
        "int",
        "0",
        "How many alerts of one alertname are kept. No limit if 0 or less.",
    )
    dispatch_maintenance_interval_s: float = flag(
        "dispatch.maintenance-interval",
        "duration",
        "30s",
        "How often empty groups are removed. They always are at once.",
        effect="none",
    )
    dispatch_start_delay_s: float = flag(
        "dispatch.start-delay",
        "duration",
        "0s",
        "How long after its start the process sends nothing, while alerts come in and are grouped. "
        "Best equal to Prometheus' --rules.alert.resend-delay.",
    )
    web_systemd_socket: bool = flag(
        "web.systemd-socket",
        "switch",
        None,
        "Serve on the sockets handed over by systemd instead of listen addresses (Linux only).",
        effect="refused",
    )
    web_listen_address: tuple[str, ...] = flag(
        "web.listen-address",
        "strings",
        ":9093",
        "Address to serve the API and the page on. May be given several times.",
    )
    web_config_file: str = flag(
        "web.config.file",
        "string",
        "",
        "[EXPERIMENTAL] File with TLS and authentication settings of the web server.",
        effect="refused",
    )
    web_external_url: str = flag(
        "web.external-url",
        "string",
        None,
        "URL under which people reach this node, for instance behind a proxy; links in notifications start "
        "with it. Its path, if any, becomes the prefix of every route. Derived from host name and port if "
        "left out.",
    )
    web_route_prefix: str = flag(
        "web.route-prefix",
        "string",
        None,
        "Prefix of all routes of the web server. Without it, the path of --web.external-url.",
    )
    web_get_concurrency: int = flag(
        "web.get-concurrency",
        "int",
        "0",
        "How many GET requests are worked on at a time. If 0 or less, the number of cores, but at least 8.",
    )
    web_timeout_s: float = flag(
        "web.timeout", "duration", "0", "Time limit of one HTTP request. No limit if 0 or less."
    )
    auto_gomemlimit_ratio: float = flag(
        "auto-gomemlimit.ratio",
        "float",
        "0.9",
        "Share of the machine's or container's memory to use as limit, above 0 and at most 1. Only looked at "
        "with the feature auto-gomemlimit.",
        effect="none",
    )
    cluster_listen_address: str = flag(
        "cluster.listen-address",
        "string",
        "0.0.0.0:9094",
        "Address of the gossip between nodes, UDP and TCP. Empty: a node on its own.",
    )
    cluster_advertise_address: str = flag(
        "cluster.advertise-address", "string", None, "Address under which the other nodes reach this one."
    )
    cluster_peer_name: str = flag(
        "cluster.peer-name", "string", "", "Name of this node in the cluster. Random if left out."
    )
    cluster_peer: tuple[str, ...] = flag(
        "cluster.peer", "strings", None, "Another node to join at the start. May be given several times."
    )
    cluster_peer_timeout_s: float = flag(
        "cluster.peer-timeout",
        "duration",
        "15s",
        "How much longer each node waits than the one before it before it sends a notification itself.",
    )
    cluster_peers_resolve_timeout_s: float = flag(
        "cluster.peers-resolve-timeout", "duration", "15s", "Time limit of looking up the names of peers."
    )
    cluster_gossip_interval_s: float = flag(
        "cluster.gossip-interval",
        "duration",
        "200ms",
        "How often news is passed on to other nodes. Shorter spreads it faster and costs bandwidth.",
    )
    cluster_pushpull_interval_s: float = flag(
        "cluster.pushpull-interval",
        "duration",
        "1m0s",
        "How often the whole state is exchanged with one other node. Shorter heals faster, costs bandwidth.",
    )
    cluster_tcp_timeout_s: float = flag(
        "cluster.tcp-timeout",
        "duration",
        "10s",
        "Time limit of connecting to another node, and of reading from and writing to it.",
    )
    cluster_probe_timeout_s: float = flag(
        "cluster.probe-timeout",
        "duration",
        "500ms",
        "How long to wait for a probed node's answer. Should exceed nearly all round trips of the network.",
    )
    cluster_probe_interval_s: float = flag(
        "cluster.probe-interval",
        "duration",
        "1s",
        "How often a random node is probed. Shorter finds failures faster and costs bandwidth.",
    )
    cluster_settle_timeout_s: float = flag(
        "cluster.settle-timeout",
        "duration",
        "1m0s",
        "How long at most to wait at the start for the cluster to settle before notifying.",
    )
    cluster_reconnect_interval_s: float = flag(
        "cluster.reconnect-interval", "duration", "10s", "How often lost nodes are tried again."
    )
    cluster_reconnect_timeout_s: float = flag(
        "cluster.reconnect-timeout", "duration", "6h0m0s", "For how long a lost node is tried again."
    )
    cluster_tls_config: str = flag(
        "cluster.tls-config",
        "string",
        "",
        "[EXPERIMENTAL] File with the TLS settings of the gossip.",
    )
    cluster_allow_insecure_public_advertise_address_discovery: bool = flag(
        "cluster.allow-insecure-public-advertise-address-discovery",
        "switch",
        None,
        "[EXPERIMENTAL] Let the node find and advertise a public address if it has no private one.",
    )
    cluster_label: str = flag(
        "cluster.label",
        "string",
        "",
        "Name put on all gossip of this cluster; gossip with another name, or without one, is ignored.",
    )
    enable_feature: str = flag(
        "enable-feature",
        "string",
        "",
        f"Comma-separated features to switch on: {', '.join(FEATURES)}.",
    )
    log_level: str = flag(
        "log.level", "level", "info", "Least severe level to log. One of: [debug, info, warn, error]"
    )
    log_format: str = flag("log.format", "format", "logfmt", "Form of log lines. One of: [logfmt, json]")

    @property
    def features(self) -> tuple[str, ...]:
        """The names of ``--enable-feature``, in the order given; nothing is trimmed."""
        return tuple(self.enable_feature.split(",")) if self.enable_feature else ()

    @property
    def refused(self) -> tuple[str, ...]:
        """What was asked for and must not be passed over, as it is typed."""
        return self._asked_for("refused")

    @property
    def without_effect(self) -> tuple[str, ...]:
        """What was asked for (a value other than the default) and is not done, as it is typed."""
        known = (name for name in self.features if name in FEATURES)
        return (
            *self._asked_for("none"),
            *(f"--enable-feature={name}" for name in known if not FEATURES[name].works),
        )

    def _asked_for(self, effect: Effect) -> tuple[str, ...]:
        return tuple(
            f"--{one.name}"
            for name, one in FLAGS.items()
            if one.effect == effect and getattr(self, name) != _DEFAULTS[name]
        )


FLAGS: Final[dict[str, Flag]] = flags_of(Options)
"""The flags in the order of the help, by the name of their field in :class:`Options`."""
DAEMON: Final = Command("amfast", flags=FLAGS)

_DEFAULTS: Final = {item.name: item.default for item in fields(Options)}


def parse(argv: Sequence[str], width: int = 80) -> Options:
    """Read the arguments (without the program's name); ``width`` is for the help, in columns.

    Raises UsageError, and TextAsked for ``--help``, ``--version`` and their like.
    """
    return Options(**grammar.read(DAEMON, argv, width)[1])
