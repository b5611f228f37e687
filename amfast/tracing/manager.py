"""Which tracer is in force: one for each ``tracing`` section, made anew when that has changed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Final

from amfast.config.observing import Tracing as TracingConfig
from amfast.config.tls import TlsConfig
from amfast.model.errors import AmfastError
from amfast.model.tracing import Tracing
from amfast.tracing.exporters import MakeContext, make_exporter

if TYPE_CHECKING:
    from amfast.tracing.tracer import OtelTracer

CLOSE_S: Final = 5.0


class TracingManager:
    """Puts a tracer into ``tracing`` as configurations come and go."""

    def __init__(self, tracing: Tracing, tls: MakeContext, log: logging.Logger) -> None:
        self._tracing = tracing
        self._tls = tls
        self._log = log
        self._config: TracingConfig | None = None
        self._tracer: OtelTracer | None = None

    async def apply(self, config: TracingConfig | None) -> None:
        """Trace as ``config`` says, or not at all. Raises AmfastError, and what was in force stays.

        With TLS a new tracer is made in any case: its files may have changed.
        """
        if config == self._config and (config is None or config.tls_config in (None, TlsConfig())):
            return
        new = None if config is None else self._make(config)
        old, self._tracer = self._tracer, new
        self._tracing.tracer, self._config = new, config
        self._log.info("Traces are sent" if new else "Traces are no longer sent")
        await self._close(old)

    async def stop(self) -> None:
        """Send what is left."""
        old, self._tracer, self._tracing.tracer = self._tracer, None, None
        await self._close(old)

    def _make(self, config: TracingConfig) -> OtelTracer:
        try:
            from amfast.tracing.tracer import OtelTracer  # noqa: PLC0415 - 7 MB, and an extra

            exporter = make_exporter(config, self._tls)
        except ImportError as error:
            missing = (error.name or "opentelemetry").partition(".")[0]
            raise AmfastError(f"tracing needs {missing}: pip install 'amfast[tracing]'") from None
        return OtelTracer(exporter, config.sampling_fraction)

    async def _close(self, tracer: OtelTracer | None) -> None:
        if tracer is None:
            return
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            tracer.close()
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(closed.set)

        # Not in the loop's own threads, for which the end of the process would wait.
        threading.Thread(target=close, daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_S):
                await closed.wait()
        except TimeoutError:
            self._log.warning("The collector did not take the last traces in time")
