"""The flags: their table, their defaults and what is checked before anything starts."""

import pytest

from amfast.cli import texts
from amfast.cli.checks import check_options
from amfast.cli.flags import DAEMON, FLAGS, Options, parse
from amfast.model.errors import AmfastError

DEFAULTS = """
config_file=alertmanager.yml config_auto_reload=False config_schema=False storage_path=data/ storage_alerts=True
data_retention_s=432000.0 data_maintenance_interval_s=900.0
silences_max_silences=0 silences_max_silence_size_bytes=0 log_silences=False alerts_gc_interval_s=1800.0
alerts_per_alertname_limit=0 dispatch_maintenance_interval_s=30.0 dispatch_start_delay_s=0.0
web_systemd_socket=False web_listen_address=(':9093',) web_config_file= web_external_url= web_route_prefix=
web_get_concurrency=0 web_timeout_s=0.0 auto_gomemlimit_ratio=0.9 cluster_listen_address=0.0.0.0:9094
cluster_advertise_address= cluster_peer_name= cluster_peer=() cluster_peer_timeout_s=15.0
cluster_peers_resolve_timeout_s=15.0 cluster_gossip_interval_s=0.2 cluster_pushpull_interval_s=60.0
cluster_tcp_timeout_s=10.0 cluster_probe_timeout_s=0.5 cluster_probe_interval_s=1.0
cluster_settle_timeout_s=60.0
cluster_reconnect_interval_s=10.0 cluster_reconnect_timeout_s=21600.0 cluster_tls_config=
cluster_allow_insecure_public_advertise_address_discovery=False cluster_label= enable_feature= log_level=info
log_format=logfmt
"""


def test_every_flag_has_the_references_default():
    options = parse([])
    assert [f"{name}={getattr(options, name)}" for name in FLAGS] == DEFAULTS.split()


def test_every_field_is_named_after_its_flag():
    for field, flag in FLAGS.items():
        suffix = "_s" if flag.kind == "duration" else ""
        assert field == flag.name.replace(".", "_").replace("-", "_") + suffix


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_help_names_every_flag_within_the_width(width):
    text = texts.help_text([DAEMON], width)
    for flag in FLAGS.values():
        assert f"{flag.name}" in text
    assert max(len(line) for line in text.splitlines() if not line.lstrip().startswith("--")) <= max(
        width, 53
    )


def test_the_default_options_pass_the_checks():
    check_options(Options())


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--config.file="], "--config.file must not be empty"),
        (["--storage.path="], "--storage.path must not be empty"),
        (["--data.retention=0"], "--data.retention must be greater than 0, not 0s"),
        (["--alerts.gc-interval=-1m"], "--alerts.gc-interval must be greater than 0, not -60s"),
        (
            ["--cluster.gossip-interval=0"],
            "--cluster.gossip-interval must be greater than 0 when clustering is on",
        ),
        (["--cluster.label=" + "ä" * 128], "--cluster.label has 256 bytes, at most 255 are possible"),
        (["--enable-feature=a,,b"], "unknown option 'a' for --enable-feature"),
        (["--enable-feature=classic-mode,"], "unknown option '' for --enable-feature"),
        (["--enable-feature=auto-gomaxprocs"], "unknown option 'auto-gomaxprocs'"),
        (["--enable-feature=classic-mode,utf8-strict-mode"], "cannot have both"),
        (
            ["--enable-feature=auto-gomemlimit", "--auto-gomemlimit.ratio=1.1"],
            "--auto-gomemlimit.ratio must be",
        ),
    ],
)
def test_values_that_cannot_work_are_named(argv, text):
    with pytest.raises(AmfastError) as caught:
        check_options(parse(argv))
    assert text in str(caught.value)


def test_cluster_intervals_do_not_matter_without_a_cluster():
    check_options(parse(["--cluster.gossip-interval=0", "--cluster.listen-address="]))


def test_no_settling_at_all_is_allowed():
    check_options(parse(["--cluster.settle-timeout=0", "--cluster.settle-timeout=0"][:1]))


def test_what_has_no_effect_is_told_only_when_asked_for():
    assert parse(["--config.file=x", "--web.config.file="]).without_effect == ()
    assert parse(["--log.silences"]).without_effect == ("--log.silences",)
    assert parse(["--enable-feature=classic-mode,nonsense"]).without_effect == ()


@pytest.mark.parametrize("flag", ["--web.config.file=x", "--web.systemd-socket"])
def test_what_would_be_harmful_to_pass_over_ends_the_start(flag: str):
    with pytest.raises(AmfastError, match=f"^{flag.partition('=')[0]}: not supported"):
        check_options(parse([flag]))


def test_gossip_over_tls_is_taken():
    options = parse(["--cluster.tls-config=tls.yml"])
    check_options(options)
    assert options.cluster_tls_config == "tls.yml"
    assert options.without_effect == ()
