"""How long until a silence set at one of three nodes is seen at both others, through the HTTP API of real processes."""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import time
from datetime import UTC, datetime, timedelta

from processes import Machine, Node, status, wait_for, wait_for_members

GOSSIP_INTERVAL_S = 0.2
LOOK_EVERY_S = 0.002
TIMEOUT_S = 10.0


class Api:
    """One connection to a node that stays open, so that asking costs little."""

    def __init__(self, node: Node) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", node.http_port, timeout=10)

    def set_silence(self, number: int) -> str:
        now = datetime.now(UTC)
        silence = {
            "matchers": [{"name": "case", "value": str(number), "isRegex": False, "isEqual": True}],
            "startsAt": now.isoformat(),
            "endsAt": (now + timedelta(hours=1)).isoformat(),
            "createdBy": "bench",
            "comment": "seen everywhere?",
        }
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/api/v2/silences", json.dumps(silence), headers)
        return str(json.loads(self._connection.getresponse().read())["silenceID"])

    def has(self, silence_id: str) -> bool:
        self._connection.request("GET", f"/api/v2/silence/{silence_id}")
        answer = self._connection.getresponse()
        answer.read()
        return answer.status == http.HTTPStatus.OK


def seconds_until_seen(setter: Api, others: list[Api], number: int) -> float:
    """Until the last of the others shows it. Raises TimeoutError."""
    silence_id = setter.set_silence(number)
    set_at_s = time.monotonic()
    unseen = list(others)
    while unseen:
        unseen = [api for api in unseen if not api.has(silence_id)]
        if time.monotonic() - set_at_s > TIMEOUT_S:
            raise TimeoutError(f"silence {number} was not seen everywhere within {TIMEOUT_S} seconds")
        if unseen:
            time.sleep(LOOK_EVERY_S)
    return time.monotonic() - set_at_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--silences", type=int, default=100)
    parser.add_argument("--kind", choices=("amfast", "go"), default="amfast")
    chosen = parser.parse_args()
    chance = random.Random(1)
    with Machine() as machine:
        nodes = [machine.node(chosen.kind)]
        nodes += [machine.node(chosen.kind, [nodes[0].gossip_address]) for _ in range(2)]
        wait_for_members(nodes, 3)
        wait_for(lambda: all(status(node)["status"] == "ready" for node in nodes), 60)
        apis = [Api(node) for node in nodes]
        taken = []
        for number in range(chosen.silences):
            setter = apis[number % 3]
            taken.append(seconds_until_seen(setter, [api for api in apis if api is not setter], number))
            time.sleep(chance.uniform(0.1, 0.5))  # at any point of the gossip interval
    milliseconds = sorted(1000 * seconds for seconds in taken)
    print(
        f"{chosen.kind}: {len(taken)} silences, seen on both other nodes after "
        f"{statistics.median(milliseconds):.0f} ms (median; 95 of 100 within "
        f"{milliseconds[int(0.95 * len(taken))]:.0f} ms, all within {milliseconds[-1]:.0f} ms); "
        f"the gossip interval is {1000 * GOSSIP_INTERVAL_S:.0f} ms"
    )


if __name__ == "__main__":
    main()
