#!/usr/bin/env python3
"""A long time of everything at once: soak.py VESTA SECONDS [--flat].

Reads of all kinds, writes of groups, profiles and templates, imports by another process into the
database that the server follows, and clients that go away in the middle of a request, of a body and
of a file. Prints the resident memory each tenth of the time. Fails when a request is answered as it
must not be, when a sanitizer of the program says something, when the server does not stop as it
should, or, with --flat, when its resident memory grew by more than 2 % from the first tenth to the
end. Caches that have a bound are filled before.

The program may be built with SAN=address,undefined. Its heap is the sanitizer's then, so what its
memory does says little.
"""

import json
import os
import random
import socket
import struct
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "http"))
os.environ["VESTA"], SECONDS = os.path.abspath(sys.argv[1]), float(sys.argv[2])
FLAT = "--flat" in sys.argv[3:]
NAME = "memory:" if FLAT else "soak:"
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=8:malloc_context_size=5")

import vesta  # pylint: disable=wrong-import-position

GROUPS = 2000
# Signed is only what stays the same: signatures are kept, up to 64 MiB of them.
DOCUMENTS = ["ipxe", "metadata", "generic", "cloud", "ignition", "ipxe.sig", "grub.asc", "grub"]
BUTANE = """variant: fcos
version: 1.5.0
storage:
  files:
    - path: /etc/mac
      contents:
        inline: "{{.request.query.mac}}"
"""


def mac(i: int) -> str:
    return f"52:54:00:00:{i >> 8:02x}:{i & 255:02x}"


def group(i: int, n: int) -> dict:
    return {
        "profile": "node",
        "selector": {"mac": mac(i)},
        "metadata": {"hostname": f"n{i}", "n": n, "list": ["a", {"b": None}], "text": "é" * 25},
    }


def site() -> dict:
    files = {
        "profiles/node.json": {
            "boot": {"kernel": "/assets/k", "initrd": ["/assets/i"], "args": ["a=b"]},
            "generic_id": "plain",
            "cloud_id": "cloud",
            "ignition_id": "butane.yaml",
        },
        "generic/plain": "{{.hostname}} {{.n}}\n",
        "cloud/cloud": "#cloud-config\nhostname: {{.hostname}}\nfqdn: {{.request.query.mac}}\n",
        "ignition/butane.yaml": BUTANE,
    }
    for i in range(GROUPS):
        files[f"groups/g{i}.json"] = group(i, 0)
    return files


class Soak:
    def __init__(self, server: vesta.Server):
        self.server = server
        self.end = time.monotonic() + SECONDS
        self.counts: dict[str, int] = {}
        self.failures: list[str] = []
        self.lock = threading.Lock()

    def goes_on(self) -> bool:
        return time.monotonic() < self.end and not self.failures

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def thread(self, work) -> threading.Thread:
        def live() -> None:
            try:
                while self.goes_on():
                    work()
            except Exception as e:  # pylint: disable=broad-except
                self.failures.append(f"{work.__name__}: {type(e).__name__}: {e}")

        return threading.Thread(target=live)

    def warm_up(self) -> None:
        """Fills what has a bound: the caches of the database's connections, and its pages."""

        def live() -> None:
            for _ in range(1000):
                i = random.randrange(GROUPS)
                self.server.api("PUT", f"/groups/g{i}", group(i, random.randrange(1000000)))
                self.server.api("GET", "/groups?limit=500")
                self.server.api("GET", "/revisions?limit=200")

        threads = [threading.Thread(target=live) for _ in range(10)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.end = time.monotonic() + SECONDS

    # What clients do. Each returns after some hundred requests, and begins anew.

    def read(self) -> None:
        with self.server.connect() as c:
            for _ in range(200):
                i = random.randrange(GROUPS + 5)
                r = c.request(f"/{random.choice(DOCUMENTS)}?mac={mac(i)}&uuid=&x={i}")
                vesta.check(r.status in (200, 404), f"{r.status} {r.body!r}")
                self.count(f"read {r.status}")
                if not self.goes_on():
                    return

    def read_file(self) -> None:
        with self.server.connect() as c:
            for _ in range(50):
                first = random.randrange(1 << 20)
                headers = {} if random.random() < 0.3 else {"Range": f"bytes={first}-{first + 999}"}
                r = c.request("/assets/k", headers=headers)
                vesta.check(r.status in (200, 206), f"{r.status}")
                self.count("file")

    def write(self) -> None:
        i, n = random.randrange(GROUPS), random.randrange(1000000)
        choice = random.random()
        if choice < 0.7:
            r = self.server.api("PUT", f"/groups/g{i}", group(i, n))
        elif choice < 0.85:
            r = self.server.api("DELETE", f"/groups/g{i}")
            vesta.check(r.status in (204, 404), f"DELETE {r.status} {r.body!r}")
            r = self.server.api("PUT", f"/groups/g{i}", group(i, n))
        elif choice < 0.95:
            text = f"{{{{.hostname}}}} {{{{.n}}}} {n % 100}\n".encode()
            r = self.server.api("PUT", "/templates/generic/plain", text)
        else:
            r = self.server.api("PUT", "/groups/g0", b'{"profile": 5}')
            vesta.check(r.status == 422, f"an invalid group: {r.status}")
            self.count("refused write")
            return
        vesta.check(r.status in (200, 201, 204), f"a write: {r.status} {r.body!r}")
        self.count("write")

    def import_site(self) -> None:
        """Another process changes the database, and the server follows."""
        with vesta.Scratch() as folder:
            some = {
                f"groups/g{i}.json": group(i, 7) for i in random.sample(range(GROUPS), 50)
            }
            vesta.write_site(folder, some)
            vesta.run("import", "--data-path", self.server.data, folder).want(0)
        self.count("import")
        time.sleep(min(2, SECONDS / 20))

    def abort(self) -> None:
        """Goes away: in a request, a body, an answer, a file; with a reset every other time."""
        requests = [
            b"GET /ipxe?mac=52:54",
            b"GET /ipxe?mac=52:54:00:00:00:01 HTTP/1.1\r\nHost: x\r\n",
            b"GET /assets/k HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /generic?mac=52:54:00:00:00:01 HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
            b"POST /ipxe HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
            b"\x16\x03\x01\x00\x00garbage\r\n\r\n",
        ]
        for _ in range(50):
            s = socket.create_connection(("127.0.0.1", self.server.boot_port), timeout=60)
            s.sendall(random.choice(requests))
            if random.random() < 0.5:
                s.settimeout(0.1)
                try:
                    s.recv(1000)
                except OSError:
                    pass
            if random.random() < 0.5:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
            self.count("aborted")
        time.sleep(0.05)


def main() -> int:
    assets = {"k": os.urandom(1 << 16) * 64}
    # With all of history the database grows, and with it what SQLite keeps of it, up to 64 MiB.
    flags = ["--log-level", "warn", "--keep-revisions", "200"]
    with vesta.serve(site(), *flags, assets=assets) as server:
        soak = Soak(server)
        if FLAT:
            soak.warm_up()
        work = [soak.read] * 3 + [soak.read_file, soak.write, soak.write, soak.import_site, soak.abort]
        threads = [soak.thread(w) for w in work]
        for t in threads:
            t.start()
        memory = []
        for tenth in range(1, 11):
            until = soak.end - SECONDS * (10 - tenth) / 10
            while time.monotonic() < until and not soak.failures:
                time.sleep(0.2)
            memory.append(server.memory("VmRSS"))
            print(f"{NAME} {tenth * SECONDS / 10:6.0f} s  {memory[-1] / 2**20:7.1f} MiB", flush=True)
        for t in threads:
            t.join()
    grown = memory[-1] / memory[0] - 1
    too_much = FLAT and grown > 0.02
    print(f"{NAME} " + ", ".join(f"{n} {what}" for what, n in sorted(soak.counts.items())))
    print(f"{NAME} resident memory: {memory[0] >> 10} KiB, then {memory[-1] >> 10} KiB: {grown:+.1%}")
    for failure in soak.failures:
        print(f"{NAME} FAIL {failure}")
    if too_much:
        print(f"{NAME} FAIL the resident memory grew by more than 2 %")
    return 1 if soak.failures or too_much else 0


if __name__ == "__main__":
    sys.exit(main())
