#!/usr/bin/env python3
"""Slow-loris clients: loris.py VESTA [CONNECTIONS [SECONDS]].

Starts a server, and measures how long a machine waits for its script, first alone and then beside
CONNECTIONS (10,000) clients that each send a head a byte at a time, and come again when they are
cut. They come from ten addresses of loopback, since one address has a limit. Prints the times, and
the most memory that the server had. Exits 1 when the 99th percentile more than doubles, or the
memory is over 300 MB.
"""

import json
import os
import resource
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

HEAD = b"GET /ipxe?mac=52:54:00:00:00:01 HTTP/1.1\r\nHost: a\r\nX-Slow: "
REQUEST = b"GET /ipxe?mac=52:54:00:00:00:01 HTTP/1.1\r\nHost: a\r\n\r\n"
SITE = {
    "groups/one.json": {"id": "one", "profile": "p", "selector": {"mac": "52:54:00:00:00:01"}},
    "profiles/p.json": {"id": "p", "boot": {"kernel": "/k", "initrd": ["/i"]}},
}
MEMORY_MOST = 300 << 20
EVERY = 4.0  # seconds between two bytes of a slow client


def answer(c):
    data = b""
    while b"boot\n" not in data:
        more = c.recv(65536)
        if not more:
            raise SystemExit("the server closed on the machine that is measured")
        data += more


def measure(port, seconds):
    """Waits of one machine after another, half of them on a new connection, in microseconds."""
    waits, end, kept = [], time.monotonic() + seconds, None
    while time.monotonic() < end:
        began = time.perf_counter()
        if len(waits) % 2 == 0:
            if kept:
                kept.close()
            kept = socket.create_connection(("127.0.0.1", port), timeout=60)
        kept.sendall(REQUEST)
        answer(kept)
        waits.append((time.perf_counter() - began) * 1e6)
        time.sleep(0.002)
    waits.sort()
    return {"n": len(waits), "p50": waits[len(waits) // 2], "p99": waits[len(waits) * 99 // 100], "most": waits[-1]}


class Slow:
    """All the slow clients, in one process."""

    def __init__(self, port, n):
        self.port, self.n, self.poll = port, n, select.epoll()
        self.open, self.opened, self.cut = {}, 0, 0

    def connect(self):
        s = socket.socket()
        s.bind((f"127.0.1.{1 + self.opened % 10}", 0))
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", self.port))
        self.poll.register(s, select.EPOLLOUT | select.EPOLLIN | select.EPOLLRDHUP)
        self.open[s.fileno()] = [s, None]
        self.opened += 1

    def close(self, fd):
        self.open.pop(fd)[0].close()
        self.cut += 1

    def events(self, wait):
        for fd, event in self.poll.poll(wait):
            client = self.open.get(fd)
            if event & (select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
                self.close(fd)
            elif client[1] is None:
                client[0].send(HEAD)
                client[1] = time.monotonic() + EVERY
                self.poll.modify(fd, select.EPOLLIN | select.EPOLLRDHUP)

    def drip(self):
        now = time.monotonic()
        for fd, (s, due) in list(self.open.items()):
            if due and now >= due:
                try:
                    s.send(b"x")
                    self.open[fd][1] = now + EVERY
                except OSError:
                    self.close(fd)

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(min(100, self.n - len(self.open))):
                self.connect()
            self.events(0.05)
            self.drip()


def child(what, port, *args, nice=0):
    """In a process of its own; the slow ones are nicer, as if they were on other machines."""
    return subprocess.Popen(
        ["nice", "-n", str(nice), sys.executable, __file__, what, str(port), *map(str, args)], stdout=subprocess.PIPE
    )


def result(process):
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(1)
    return json.loads(out)


def show(title, waits):
    print(
        f"{title:28} {waits['n']:7} requests   p50 {waits['p50']:7.0f}   p99 {waits['p99']:7.0f}   most {waits['most']:8.0f} us"
    )


def main(vesta, connections, seconds):
    os.environ["VESTA"] = vesta
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
    from vesta import serve  # pylint: disable=import-error,import-outside-toplevel

    with serve(SITE) as server:
        result(child("measure", server.boot_port, 2))
        before = result(child("measure", server.boot_port, seconds / 4))
        show("alone", before)
        idle = server.memory("VmRSS")
        slow = child("slow", server.boot_port, connections, seconds + 15, nice=19)
        time.sleep(10)  # until all are there
        during = result(child("measure", server.boot_port, seconds))
        told = result(slow)
        show(f"beside {connections} slow clients", during)
        most = server.memory("VmHWM")
    each = (most - idle) / connections
    print(f"slow clients: at most {told['most']} at once, {told['opened']} came, {told['cut']} were cut")
    print(f"memory: {most / 1e6:.0f} MB at most, {each / 1024:.1f} KiB for each slow client")
    print(f"p99: {during['p99'] / before['p99']:.2f} times")
    return 1 if during["p99"] > 2 * before["p99"] or most > MEMORY_MOST else 0


def run_slow(port, n, seconds):
    slow, most, end = Slow(port, n), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        slow.run(1)
        most = max(most, len(slow.open))
    return {"opened": slow.opened, "cut": slow.cut, "most": most}


def raise_limit():
    """The server allows five machines for eight descriptors; it inherits this."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, 65536), max(hard, 65536)))
    except ValueError:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        print(f"only {hard} descriptors: as root, or after `ulimit -n 65536`, there are enough", file=sys.stderr)


if __name__ == "__main__":
    raise_limit()
    if sys.argv[1] == "measure":
        print(json.dumps(measure(int(sys.argv[2]), float(sys.argv[3]))))
    elif sys.argv[1] == "slow":
        print(json.dumps(run_slow(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))))
    else:
        count = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
        sys.exit(main(sys.argv[1], count, float(sys.argv[3]) if len(sys.argv) > 3 else 60.0))
