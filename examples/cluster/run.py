"""Three nodes on this machine that share silences and agree on who notifies, and a sink that prints.

Arguments are passed on to every node, for instance ``--log.level=info``. Ctrl-C stops everything.
"""

import asyncio
import contextlib
import shlex
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import hints
import ports
import sink

ROOT = Path(__file__).parents[2]
SINK_PORT = 5001
STOP_SECONDS = 10
START_SECONDS = 30
LINE_BYTES_MAX = 1 << 20


@dataclass(frozen=True)
class Node:
    name: str
    web_port: int
    gossip_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"


NODES = (Node("am1", 9093, 8001), Node("am2", 9094, 8002), Node("am3", 9095, 8003))


def tell(who: str, text: str) -> None:
    """Print one line, with the time and who it is about."""
    print(f"{time.strftime('%H:%M:%S')} {who:7} {text}", flush=True)


def command(node: Node, extra: list[str]) -> list[str]:
    """The command line that starts ``node``, relative to the top of the checkout."""
    quiet = [] if any(argument.startswith("--log.level") for argument in extra) else ["--log.level=warn"]
    return [
        sys.executable,
        *("-m", "amfast"),
        "--config.file=examples/cluster/alertmanager.yml",
        f"--storage.path=.cluster/{node.name}",
        f"--web.listen-address=127.0.0.1:{node.web_port}",
        f"--web.external-url={node.url}",
        f"--cluster.listen-address=127.0.0.1:{node.gossip_port}",
        f"--cluster.peer-name={node.name}",
        *(f"--cluster.peer=127.0.0.1:{other.gossip_port}" for other in NODES if other is not node),
        *quiet,
        *extra,
    ]


async def start(node: Node, extra: list[str]) -> asyncio.subprocess.Process:
    """Start a node in a session of its own: Ctrl-C is for this program, which then stops the node."""
    return await asyncio.create_subprocess_exec(
        *command(node, extra),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=LINE_BYTES_MAX,
        start_new_session=True,
    )


async def watch(
    node: Node, process: asyncio.subprocess.Process, extra: list[str], stopping: asyncio.Event
) -> None:
    """Print what the node logs, and that it ended if nobody here asked it to."""
    assert process.stdout is not None  # noqa: S101 - for the type checker: start() asked for a pipe
    with contextlib.suppress(ValueError):  # a line beyond the limit: stop printing
        async for line in process.stdout:
            tell(node.name, line.decode("utf-8", "replace").rstrip())
    status = await process.wait()
    if not stopping.is_set():
        how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        tell(node.name, f"has ended {how}. To start it again, in another terminal:")
        tell(node.name, shlex.join(["cd", str(ROOT)]) + " && " + shlex.join(command(node, extra)))


def _is_ready(node: Node) -> bool:
    try:
        with urllib.request.urlopen(node.url + "/-/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


async def ready(processes: dict[Node, asyncio.subprocess.Process]) -> bool:
    """Wait until every node answers; False if one ends before, or after START_SECONDS."""
    for _ in range(START_SECONDS * 5):
        if any(process.returncode is not None for process in processes.values()):
            return False
        answers = await asyncio.gather(*(asyncio.to_thread(_is_ready, node) for node in processes))
        if all(answers):
            return True
        await asyncio.sleep(0.2)
    return False


async def stop(node: Node, process: asyncio.subprocess.Process) -> None:
    """SIGTERM, and SIGKILL if that is not heard."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
        tell(node.name, "stopped")
    except TimeoutError:
        process.kill()
        await process.wait()
        tell(node.name, f"did not stop within {STOP_SECONDS} s and was killed")


async def run(extra: list[str]) -> int:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    server = sink.start(SINK_PORT, {node.url: node.name for node in NODES}, lambda text: tell("sink", text))
    processes: dict[Node, asyncio.subprocess.Process] = {}
    watchers: list[asyncio.Task[None]] = []
    interrupted = asyncio.create_task(stopping.wait())
    try:
        for node in NODES:
            processes[node] = await start(node, extra)
            watchers.append(asyncio.create_task(watch(node, processes[node], extra, stopping)))
        starting = asyncio.create_task(ready(processes))
        await asyncio.wait({starting, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
        elif not starting.result():
            tell("cluster", "not every node started; see the lines above")
            return 1
        else:
            print(hints.text({node.name: (node.url, processes[node].pid) for node in NODES}), flush=True)
            ended = asyncio.gather(*watchers)
            await asyncio.wait({ended, interrupted}, return_when=asyncio.FIRST_COMPLETED)
            if not stopping.is_set():
                tell("cluster", "no node is left")
                return 1
        return 0
    finally:
        stopping.set()
        tell("cluster", "stopping")
        await asyncio.gather(*(stop(node, process) for node, process in processes.items()))
        await asyncio.gather(*watchers)
        server.shutdown()
        server.server_close()
        tell("cluster", "everything is stopped; the nodes' data stays in .cluster/ until the next start")


def main() -> int:
    needed = [("tcp", SINK_PORT)]
    for node in NODES:
        needed += [("tcp", node.web_port), ("tcp", node.gossip_port), ("udp", node.gossip_port)]
    problems = ports.taken(needed)
    if problems:
        print("The cluster cannot start:", *problems, sep="\n  ", file=sys.stderr)
        return 1
    for (
        node
    ) in NODES:  # each run is a story of its own: no notification is withheld for what an earlier one sent
        shutil.rmtree(ROOT / ".cluster" / node.name, ignore_errors=True)
    return asyncio.run(run(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
