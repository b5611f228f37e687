"""The configuration of simulated nodes."""

from __future__ import annotations

from amfast.sim.contract.promises import Promises

RECEIVERS = ("page", "log")

_TEXT = """
route:
  receiver: page
  group_by: [service]
  group_wait: {group_wait_s:g}s
  group_interval: {group_interval_s:g}s
  repeat_interval: {repeat_interval_s:g}s
  routes: [{{receiver: log, matchers: [severity="info"]}}{more}]
receivers:
- name: page
  webhook_configs: [{{url: http://page/, timeout: {answer_s:g}s}}]
- name: log
  webhook_configs: [{{url: http://log/, timeout: {answer_s:g}s}}]
inhibit_rules:
- {{source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [service]}}
"""
_MORE = ', {{receiver: log, matchers: [service="none-{reloads}"]}}'


def config_text(promises: Promises, reloads: int) -> str:
    """The file after so many changes, which concern no alert there is."""
    return _TEXT.format(
        group_wait_s=promises.group_wait_s,
        group_interval_s=promises.group_interval_s,
        repeat_interval_s=promises.repeat_interval_s,
        answer_s=promises.answer_s,
        more=_MORE.format(reloads=reloads) if reloads else "",
    )
