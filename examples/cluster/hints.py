"""What to try with the running cluster, with commands to copy."""

import time

_TEXT = """
Three nodes are up and gossip with each other:
{nodes}

Post one alert to all three, as Prometheus does; after 5 s one node, not three, tells the sink:
  for port in 9093 9094 9095; do
    curl -sS http://127.0.0.1:$port/api/v2/alerts -H 'Content-Type: application/json' -d '[{{"labels":\
{{"alertname":"Demo","instance":"web1"}},"annotations":{{"summary":"Something is wrong"}}}}]'
  done

Silence it on am2, and see the silence on am1 and am3:
  curl -sS http://127.0.0.1:9094/api/v2/silences -H 'Content-Type: application/json' -d '{{"matchers":[\
{{"name":"alertname","value":"Demo","isRegex":false}}],"startsAt":"{now}","endsAt":"{later}",\
"createdBy":"me","comment":"trying"}}'
  curl -sS http://127.0.0.1:9093/api/v2/silences; curl -sS http://127.0.0.1:9095/api/v2/silences
or with amtool:
  amtool --alertmanager.url=http://127.0.0.1:9094 silence add alertname=Demo --author=me --comment=trying
  amtool --alertmanager.url=http://127.0.0.1:9093 silence

Stop a node; the others keep notifying:
  kill {pid}

Send real alerts with Prometheus (its configuration names all three nodes):
  prometheus --config.file=examples/cluster/prometheus.yml --storage.tsdb.path=.cluster/prometheus \\
    --web.listen-address=127.0.0.1:9090
of which the part that matters is:
  alerting:
    alertmanagers:
      - static_configs:
          - targets: ["127.0.0.1:9093", "127.0.0.1:9094", "127.0.0.1:9095"]

Ctrl-C stops everything.
"""


def text(nodes: dict[str, tuple[str, int]]) -> str:
    """The hints; ``nodes`` gives address and process id by name."""
    now_s = time.time()
    return _TEXT.format(
        nodes="\n".join(f"  {name}  {url}  PID {pid}" for name, (url, pid) in nodes.items()),
        now=_utc(now_s),
        later=_utc(now_s + 3600),
        pid=next(pid for _, pid in nodes.values()),
    )


def _utc(time_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_s))
