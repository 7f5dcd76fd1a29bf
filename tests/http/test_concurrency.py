"""Many clients at once: a write that was acknowledged is seen by every later read, on both planes,
and no update is lost.

Writers count up numbers in the metadata of a few groups, each with If-Match on what it has read.
Readers note what was acknowledged before they ask, and must be answered with at least that.
VESTA_SECONDS says for how long (`make test-concurrency`: 60).
"""

import json
import os
import re
import threading
import time
from typing import Any, Callable

from vesta import Connection, Failure, Server, check, check_equal, sanitized, serve

SECONDS = float(os.environ.get("VESTA_SECONDS", "8"))
WRITERS = READERS = 32
COUNTERS = [f"counter-{i}" for i in range(8)]


def group(name: str, number: int) -> dict[str, Any]:
    return {"profile": "base", "selector": {"counter": name}, "metadata": {"number": number}}


class Run:
    """What all clients share."""

    def __init__(self, server: Server):
        self.server = server
        self.end = time.monotonic() + SECONDS * (3 if sanitized() else 1)
        self.lock = threading.Lock()
        self.acknowledged = {name: 0 for name in COUNTERS}
        self.writes = {name: 0 for name in COUNTERS}
        self.refused = self.reads = 0
        self.failures: list[str] = []

    def goes_on(self) -> bool:
        return time.monotonic() < self.end and not self.failures

    def client(self, work: Callable[["Client"], None], index: int) -> threading.Thread:
        def live() -> None:
            try:
                with Connection(self.server.api_port) as api, self.server.connect() as boot:
                    work(Client(self, index, api, boot))
            except Exception as e:  # pylint: disable=broad-except
                self.failures.append(f"client {index}: {e}")

        return threading.Thread(target=live)


class Client:
    def __init__(self, run: Run, index: int, api: Connection, boot: Connection):
        self.run, self.index, self.api, self.boot = run, index, api, boot
        self.headers = {"Authorization": f"Bearer {run.server.token}"}

    def turn(self, i: int) -> str:
        return COUNTERS[(self.index + i) % len(COUNTERS)]

    def write(self) -> None:
        i = 0
        while self.run.goes_on():
            i += 1
            self.count_up(self.turn(i), patch=i % 2 == 0)

    def count_up(self, name: str, patch: bool) -> None:
        path = f"/api/v1/groups/{name}"
        read = self.api.request(path, "GET", self.headers).want(200)
        number = read.json()["metadata"]["number"] + 1
        headers = {**self.headers, "If-Match": read.header("ETag") or ""}
        body: Any = {"metadata": {"number": number}} if patch else group(name, number)
        method = "PATCH" if patch else "PUT"
        answer = self.api.request(path, method, headers, json.dumps(body).encode())
        # 204: done, and somebody else has changed it again already.
        with self.run.lock:
            if answer.status in (200, 204):
                self.run.writes[name] += 1
                self.run.acknowledged[name] = max(self.run.acknowledged[name], number)
            elif answer.status == 412:
                self.run.refused += 1
            else:
                raise Failure(f"{method} {path}: {answer.status} {answer.text}")

    def read(self) -> None:
        i = 0
        while self.run.goes_on():
            i += 1
            name = self.turn(i)
            least = self.run.acknowledged[name]
            seen = self.by_machine(name) if i % 2 else self.by_operator(name)
            check(seen >= least, f"{name}: {least} was acknowledged, then {seen} was read")
            with self.run.lock:
                self.run.reads += 1

    def by_operator(self, name: str) -> int:
        answer = self.api.request(f"/api/v1/groups/{name}", "GET", self.headers).want(200)
        return int(answer.json()["metadata"]["number"])

    def by_machine(self, name: str) -> int:
        answer = self.boot.request(f"/metadata?counter={name}").want(200)
        number = re.search(r"^NUMBER=(\d+)$", answer.text, re.M)
        check(number, answer.text)
        return int(number[1]) if number else -1


def test_every_acknowledged_write_is_seen_and_none_is_lost() -> None:
    site = {f"groups/{name}.json": group(name, 0) for name in COUNTERS}
    site["profiles/base.json"] = {}
    with serve(site) as server:
        before = server.api("GET", "/revisions?limit=1").json()["items"][0]["revision"]
        run = Run(server)
        clients = [run.client(Client.write, i) for i in range(WRITERS)]
        clients += [run.client(Client.read, i) for i in range(READERS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        check(not run.failures, "; ".join(run.failures[:3]))
        for name in COUNTERS:
            stored = server.api("GET", f"/groups/{name}").want(200).json()["metadata"]["number"]
            check_equal(stored, run.writes[name], f"{name}: the number after so many writes")
        after = server.api("GET", "/revisions?limit=1").json()["items"][0]["revision"]
    writes = sum(run.writes.values())
    check_equal(after - before, writes, "revisions that were made")
    check(min(run.writes.values()) > 0 and run.refused and run.reads, "too little was done")
    print(
        f"test_concurrency: {WRITERS} writers, {READERS} readers, {SECONDS:g} s: "
        f"{writes} writes, {run.refused} refused (412), {run.reads} reads"
    )
