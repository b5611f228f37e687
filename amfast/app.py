"""The node put together: builds every part, wires it to the next, starts, reloads and stops them in order.

The only module that knows all stations. The order of the start is that of reference flags, section 5: gossip
listens before the configuration is read, the states are loaded before the cluster is joined, and HTTP is served
last.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import platform
import random
import resource
import signal
import socket
import ssl
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from amfast import urls
from amfast._ext.allocator import keep_freed
from amfast.alerts.store import AlertStore
from amfast.cli.flags import Options
from amfast.cluster.options import Options as ClusterOptions
from amfast.cluster.peer import Peer
from amfast.config.cluster_tls import load_cluster_tls
from amfast.config.http import HttpConfig
from amfast.config.observing import EventRecorder
from amfast.config.tls import TlsConfig
from amfast.config.types import Config
from amfast.filewatch import FileWatch
from amfast.loopclock import LoopClock, local_offset_s, loop_fd
from amfast.model.clock import Clock
from amfast.model.errors import AmfastError, ConfigError
from amfast.model.events import Event, Recording, Started, Stopped
from amfast.model.flush import GroupName
from amfast.model.matcher import MatcherMode
from amfast.model.metric import Family, Measured, single
from amfast.model.timestamp import Time
from amfast.model.tracing import Tracing
from amfast.model.version import API_VERSION
from amfast.mute.inhibition import Inhibitor
from amfast.mute.intervals import NamedIntervals
from amfast.mute.silences import Limits, Silences
from amfast.mute.telling import TellingInhibitor, TellingSilences
from amfast.notify.counts import Counts
from amfast.notify.delivery import Surroundings
from amfast.notify.doors import Doors
from amfast.notify.hearsay import Hearsay
from amfast.notify.nflog import NotificationLog
from amfast.notify.stages import ActiveIntervals, Inhibit, MuteIntervals, Settle, Silence, Stage
from amfast.outside import MACHINE, Http, Outside
from amfast.receivers.errors import HttpError
from amfast.receivers.http import NetworkClient
from amfast.receivers.payload import JSON_HEADERS
from amfast.receivers.table import INTEGRATIONS
from amfast.receivers.tls import make_context
from amfast.recorder.recorder import Outside as RecorderOutside
from amfast.recorder.recorder import Recorder, check_can_record
from amfast.running import Parts, Running
from amfast.status import StatusViews
from amfast.storage.alerts import AlertsFile, Contents, Restored
from amfast.storage.snapshot import SnapshotFile
from amfast.template import gotime
from amfast.template.loading import load_templates
from amfast.template.rendering import Renderer
from amfast.template.rendering import problem as template_problem
from amfast.template.zones import LOCAL
from amfast.tracing.manager import TracingManager
from amfast.views import AlertViews, Mutes
from amfast.web.message import Request, Response
from amfast.web.ports import BuildInfo, Ports
from amfast.web.server import Server
from amfast.web.site import Site, SiteOptions
from amfast.web.uri import is_request_uri

GETS_MIN = 8
LEAVE_TIMEOUT_S = 10.0
DRAIN_TIMEOUT_S = 5.0
GARBAGE_OBJECTS = 20_000
"""Net new objects after which young ones are looked through for cycles; there are next to none."""
OLD_GARBAGE_ROUNDS = 100
"""Rounds through the young after which all is looked through: with many silences that takes a tenth of a second."""
FREED_BYTES_KEPT = 4 << 20
LOG_SPACING_S = 0.25
"""Between two writes of the log's journal: flushes end with them, and there may be thousands a second."""
WATCH_INTERVAL_S = 2.0
"""How often ``--config.auto-reload`` looks at the file."""

log = logging.getLogger("amfast")


def run(options: Options) -> int:
    """Run the node until a signal ends it; returns the exit status. Raises AmfastError when it cannot start."""
    _raise_file_limit()
    keep_freed(FREED_BYTES_KEPT)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(options))


def _raise_file_limit() -> None:
    """Take all the open files the system grants; the usual soft limit is meant for older programs.

    Each connection of a peer, a sender or a receiver is one, and with none left nobody is answered.
    """
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # then it stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not every platform has it
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(options: Options) -> int:
    app = App(options, LoopClock(), random.SystemRandom())
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, app.reload_soon)
    starting = loop.create_task(app.start())
    told_to_stop = loop.create_task(stopping.wait())
    try:
        # A start may take its time, as when peers do not answer; a signal ends it wherever it is.
        await asyncio.wait((starting, told_to_stop), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            _settle_garbage()
            await told_to_stop
        log.info("Received shutdown signal, exiting gracefully...")
    finally:
        starting.cancel()
        told_to_stop.cancel()
        await asyncio.wait((starting, told_to_stop))
        await app.stop()
    return 0


def _settle_garbage() -> None:
    """What is there after the start stays, and need not be looked through for cycles again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, OLD_GARBAGE_ROUNDS)


class App:
    """One node."""

    def __init__(
        self, options: Options, clock: Clock, rng: random.Random, outside: Outside = MACHINE
    ) -> None:
        self._options = options
        self._outside = outside
        self._clock = clock
        self._random = rng
        self._started_us = clock.monotonic_us()
        retention_ns = int(options.data_retention_s * 1e9)
        self._recording = Recording(self._new_uuid)
        self._nflog = NotificationLog(clock=clock, retention_ns=retention_ns)
        self._silences = Silences(
            clock=clock,
            retention_ns=retention_ns,
            new_id=self._new_uuid,
            log=_logger("silences"),
            limits=Limits(options.silences_max_silences, options.silences_max_silence_size_bytes),
            recording=self._recording,
        )
        self._store = AlertStore(
            clock=clock,
            log=_logger("provider"),
            local_offset_s=local_offset_s,
            stopwatch_ns=time.perf_counter_ns,
            is_uri=is_request_uri,
            classic_names=_matcher_mode(options) is MatcherMode.CLASSIC,
            per_alertname_max=options.alerts_per_alertname_limit,
            seed=rng.getrandbits(64),
        )
        self._views = AlertViews(
            self._store, Mutes(self._store.table, self._silences, clock), clock, loop_fd()
        )
        self._counts = Counts()
        self._tracing = Tracing()
        self._traces = TracingManager(self._tracing, partial(_tls_context, "tracing"), _logger("tracing"))
        self._http: Http = outside.http or NetworkClient(clock, rng, os.environ, self._tracing)
        self._recorder_http = NetworkClient(clock, rng, os.environ)
        self._recorder = self._build_recorder() if "event-recorder" in options.features else None
        self._peer = self._build_peer() if options.cluster_listen_address else None
        directory = Path(options.storage_path)
        file = partial(SnapshotFile, directory, run=outside.run, disk=outside.disk)
        self._files = (
            file("nflog", self._nflog, clock=clock, log=_logger("nflog"), spacing_s=LOG_SPACING_S),
            file("silences", self._silences, clock=clock, log=_logger("silences")),
        )
        self._alerts_file = AlertsFile(
            directory,
            Contents(self._store.dump, self._store.restore, self.timers),
            clock=clock,
            log=_logger("provider"),
            run=outside.run,
            disk=outside.disk,
        )
        self._server = Server(self._answer, clock=clock, log=_logger("api"))
        self._site: Site | None = None
        self._running: Running | None = None
        self._is_up = False
        self._folder_lock = -1
        self._tasks: list[asyncio.Task[None]] = []
        self._reload_wanted = asyncio.Event()
        self._watch = FileWatch(Path(options.config_file))

    # Start

    async def start(self) -> None:
        """Bring every part up. Raises AmfastError; :meth:`stop` then undoes what was done."""
        options = self._options
        log.info("Starting Alertmanager", extra={"attrs": {"version": f"(version={API_VERSION})"}})
        for flag in options.without_effect:
            log.warning("This flag has no effect yet", extra={"attrs": {"flag": flag}})
        self._folder_lock = self._outside.take_folder(Path(options.storage_path))
        if self._peer is not None:
            await self._peer.start()
        config = self._load_config()
        if self._recorder is not None:
            await self._recorder.start(config.event_recorder)
            self._record(Started(API_VERSION, f"({_build_info().runtime})"))
        collects = gc.isenabled()
        gc.disable()  # what is read stays, and to look through it for cycles again and again costs more than reading
        for file in self._files:
            file.load()
        if collects:
            gc.freeze()
            gc.enable()
        if self._peer is not None:
            self._nflog.on_change = self._peer.add_state("nfl", self._nflog)
            self._silences.on_change = self._peer.add_state("sil", self._silences)
            await self._peer.join()
            if self._recorder is not None:
                self._recorder.position = self._peer.position
        ports = [await self._server.listen(address) for address in options.web_listen_address]
        url = urls.external_url(options.web_external_url, socket.gethostname(), ports[0] if ports else 0)
        restored = await self._restore_alerts()
        self._running = self._build_running(url, restored)
        self._site = self._build_site(self._running, urls.route_prefix(options.web_route_prefix, url))
        await self._running.apply(config, restored.timers)
        await self._server.start()
        for given, port in zip(options.web_listen_address, ports, strict=True):
            address = f"{given.rpartition(':')[0] or '[::]'}:{port}"
            log.info("Listening on", extra={"attrs": {"address": address}})
            log.info("TLS is disabled.", extra={"attrs": {"http2": False, "address": address}})
        self._is_up = True
        self._begin_chores(self._running)

    # What the simulator deals with, as others do over HTTP

    @property
    def store(self) -> AlertStore:
        """Where posted alerts go."""
        return self._store

    @property
    def silences(self) -> Silences:
        """All that the node knows."""
        return self._silences

    @property
    def nflog(self) -> NotificationLog:
        """What was sent, as far as the node knows."""
        return self._nflog

    @property
    def peer(self) -> Peer | None:
        """Its membership of the cluster; None for a node on its own."""
        return self._peer

    def timers(self) -> Iterator[tuple[GroupName, int]]:
        """What each group is called, and the wall time in ns of its next flush."""
        return iter(()) if self._running is None else self._running.timers()

    def _load_config(self) -> Config:
        path = self._options.config_file
        attrs = {"file": path}
        log = _logger("configuration")
        log.info("Loading configuration file", extra={"attrs": attrs})
        try:
            mode = _matcher_mode(self._options)
            config = self._outside.read_config(path, INTEGRATIONS, mode, template_problem)
            _check_supported(config, self._options)
        except AmfastError as error:
            for line in str(error).splitlines():
                failed = {"attrs": {"file": path, "err": line}}
                log.error("Loading configuration file failed", extra=failed)  # noqa: TRY400 - no traceback
            raise
        for warning in config.warnings:
            log.warning(warning, extra={"attrs": attrs})
        log.info("Completed loading of configuration file", extra={"attrs": attrs})
        return config

    def _load_templates(self, config: Config) -> Renderer:
        try:
            return load_templates(config.templates, lambda: gotime.Time(self._clock.now_ns(), LOCAL))
        except AmfastError as error:
            for line in str(error).splitlines():
                failed = {"attrs": {"err": line}}
                _logger("configuration").error("Loading templates failed", extra=failed)
            raise

    def _build_peer(self) -> Peer:
        options = self._options
        return Peer(
            ClusterOptions(
                listen_address=options.cluster_listen_address,
                advertise_address=options.cluster_advertise_address,
                peers=options.cluster_peer,
                peer_name=options.cluster_peer_name,
                peer_timeout_s=options.cluster_peer_timeout_s,
                peers_resolve_timeout_s=options.cluster_peers_resolve_timeout_s,
                gossip_interval_s=options.cluster_gossip_interval_s,
                push_pull_interval_s=options.cluster_pushpull_interval_s,
                tcp_timeout_s=options.cluster_tcp_timeout_s,
                probe_timeout_s=options.cluster_probe_timeout_s,
                probe_interval_s=options.cluster_probe_interval_s,
                settle_timeout_s=options.cluster_settle_timeout_s,
                reconnect_interval_s=options.cluster_reconnect_interval_s,
                reconnect_timeout_s=options.cluster_reconnect_timeout_s,
                label=options.cluster_label,
                allow_insecure_public_advertise=(
                    options.cluster_allow_insecure_public_advertise_address_discovery
                ),
                tls=load_cluster_tls(options.cluster_tls_config) if options.cluster_tls_config else None,
            ),
            clock=self._clock,
            log=_logger("cluster"),
            random=self._random,
            network=self._outside.network,
        )

    def _build_recorder(self) -> Recorder:
        outside = RecorderOutside(
            partial(_post_event, self._recorder_http),
            self._recorder_http.check,
            partial(_tls_context, "event_recorder.kafka_outputs"),
        )
        host, log = socket.gethostname(), _logger("eventrecorder")
        return Recorder(self._recording, host, outside, clock=self._clock, log=log)

    async def _apply_recorder(self, config: EventRecorder) -> None:
        if self._recorder is not None:
            await self._recorder.apply(config)

    def _record(self, event: Event) -> None:
        if self._recording.record is not None:
            self._recording.record(event)

    def _new_uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    async def _restore_alerts(self) -> Restored:
        if self._options.storage_alerts:
            return await self._alerts_file.restore()
        self._alerts_file.forget()
        return Restored()

    def _build_running(self, external_url: str, restored: Restored) -> Running:
        around = Surroundings(
            clock=self._clock,
            random=self._random,
            log=_logger("dispatcher"),
            nflog=self._nflog,
            counts=self._counts,
            cluster_wait_s=self._cluster_wait_s,
            external_url=external_url,
            doors=Doors(self._clock),
            hearsay=Hearsay(restored.saved_at_ns, self._clock.now_ns() if restored.saved_at_ns else 0),
            tracing=self._tracing,
            recording=self._recording,
        )
        return Running(
            Parts(
                load_config=self._load_config,
                load_templates=self._load_templates,
                store=self._store,
                views=self._views,
                stages=self._stages,
                around=around,
                http=self._http,
                trace=self._traces.apply,
                record=self._apply_recorder,
                log=_logger("configuration"),
                retention_ns=int(self._options.data_retention_s * 1e9),
                not_before_us=self._started_us + int(self._options.dispatch_start_delay_s * 1e6),
            )
        )

    def _stages(self, config: Config, inhibitor: Inhibitor) -> list[Stage]:
        """What every flush passes, in this order (reference notify, section 5)."""
        holding = NamedIntervals(config.intervals).holding
        inhibitions = TellingInhibitor(inhibitor, self._recording)
        silences = TellingSilences(self._silences, self._recording)
        mutes = self._views.mutes
        return [
            Settle(self._settled),
            Inhibit(
                inhibitions.inhibiting, partial(mutes.inhibition_marks, inhibitor), self._counts, self._clock
            ),
            ActiveIntervals(holding, self._counts),
            MuteIntervals(holding, self._counts),
            Silence(silences.silencing, mutes.silence_marks, self._counts, self._clock),
        ]

    def _build_site(self, running: Running, route_prefix: str) -> Site:
        now_ns = self._clock.now_ns()
        uptime = Time(now_ns, local_offset_s(now_ns))
        options = SiteOptions(
            build=_build_info(),
            route_prefix=route_prefix or "/",
            gets_max=self._options.web_get_concurrency
            if self._options.web_get_concurrency > 0
            else max(os.cpu_count() or 1, GETS_MIN),
            timeout_ns=int(self._options.web_timeout_s * 1e9),
            mode=_matcher_mode(self._options),
        )
        ports = Ports(
            alerts=self._store,
            reader=self._views,
            silences=self._silences,
            status=StatusViews(running, self._peer, uptime),
            reload=running.reload,
        )
        parts: list[Measured] = [
            self,
            running,
            self._views,
            self._store,
            self._counts,
            self._silences,
            self._nflog,
        ]
        parts += [*self._files, self._alerts_file]
        if self._peer is not None:
            parts.append(self._peer)
        if self._recorder is not None:
            parts.append(self._recorder)
        return Site(
            ports,
            options,
            clock=self._clock,
            log=_logger("api"),
            parts=parts,
            stopwatch_ns=time.perf_counter_ns,
            tracing=self._tracing,
        )

    def _answer(self, request: Request) -> Response | Awaitable[Response]:
        """The server's handler; connections are only accepted once the site is there."""
        if self._site is None:
            return Response(503)
        return self._site.handle(request)

    def metrics(self) -> Iterator[Family]:
        enabled = float(self._peer is not None)
        yield single("alertmanager_cluster_enabled", "gauge", "Whether clustering is on.", enabled)
        for name, key in (("nflog", "nfl"), ("silences", "sil")):
            passed_on = 0 if self._peer is None else self._peer.propagated(key)
            yield single(
                f"alertmanager_{name}_gossip_messages_propagated_total",
                "counter",
                "Records from peers that were news and were passed on.",
                float(passed_on),
            )

    def _settled(self) -> Awaitable[None] | None:
        return None if self._peer is None or self._peer.is_settled else self._peer.wait_settled()

    def _cluster_wait_s(self) -> float:
        return 0.0 if self._peer is None else self._peer.position() * self._options.cluster_peer_timeout_s

    # While it runs

    def reload_soon(self) -> None:
        """Ask for a reload; asking again before it began asks for the same one."""
        self._reload_wanted.set()

    def _begin_chores(self, running: Running) -> None:
        interval_s = self._options.data_maintenance_interval_s
        self._begin(self._collect_alerts())
        self._begin(self._reload_when_asked(running))
        if self._options.config_auto_reload:
            self._begin(self._watch_config())
        for file in self._files:
            self._begin(file.maintain_every(interval_s))
        if self._options.storage_alerts:
            self._begin(self._alerts_file.write_every(interval_s))

    def _begin(self, chore: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(chore))

    async def _collect_alerts(self) -> None:
        while True:
            await self._clock.sleep(self._options.alerts_gc_interval_s)
            await self._store.collect_garbage()
            while not self._views.mutes.inhibitor.collect_garbage():
                await self._clock.sleep(0)

    async def _reload_when_asked(self, running: Running) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            try:
                await running.reload()
            except AmfastError:
                continue  # it is in the log already

    async def _watch_config(self) -> None:
        while True:
            await self._clock.sleep(WATCH_INTERVAL_S)
            if self._watch.changed():
                self.reload_soon()

    # Stop

    async def stop(self) -> None:
        """Take down what is up, in the order that loses nothing: in, through, to disk, out of the cluster."""
        await self._server.stop(DRAIN_TIMEOUT_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._running is not None:
            await self._running.halt()
            if self._options.storage_alerts and self._is_up:
                await self._alerts_file.write()
            await self._running.stop()
            for file in self._files:
                await file.finish()
        if self._recorder is not None:
            self._record(Stopped())
            await self._recorder.stop()
        await self._recorder_http.close()
        await self._http.close()
        await self._traces.stop()
        if self._peer is not None:
            await self._peer.leave(LEAVE_TIMEOUT_S)
            await self._peer.close()
        if self._folder_lock >= 0:
            os.close(self._folder_lock)
            self._folder_lock = -1


def _logger(component: str) -> logging.Logger:
    return logging.getLogger(f"amfast.{component}")


def _tls_context(section: str, config: TlsConfig) -> ssl.SSLContext:
    """TLS as a section of the configuration says. Raises AmfastError."""
    try:
        return make_context(config)
    except HttpError as error:
        raise AmfastError(f"{section}: {error}") from None


async def _post_event(
    http: NetworkClient, url: str, body: bytes, timeout_s: float, config: HttpConfig
) -> str:
    """Why posting events failed, empty when it did not."""
    try:
        answer = await http.post(url, headers=JSON_HEADERS, body=body, timeout_s=timeout_s, config=config)
    except HttpError as error:
        return str(error)
    return "" if answer.status // 100 == 2 else f"unexpected status code {answer.status}"  # noqa: PLR2004


def _build_info() -> BuildInfo:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return BuildInfo(version=API_VERSION, runtime=python, os=sys.platform, arch=platform.machine())


def _check_supported(config: Config, options: Options) -> None:
    """Raise ConfigError if the configuration asks for something that this version cannot do."""
    if config.unsupported:
        raise ConfigError("\n".join(config.unsupported))
    if "event-recorder" in options.features:
        check_can_record(config.event_recorder)


def _matcher_mode(options: Options) -> MatcherMode:
    if "classic-mode" in options.features:
        return MatcherMode.CLASSIC
    return MatcherMode.UTF8 if "utf8-strict-mode" in options.features else MatcherMode.FALLBACK
