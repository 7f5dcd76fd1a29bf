"""Bodies of the API: who may send one, and how much, is decided before the first byte of it."""

import os
import re
import threading
from typing import Any, Optional

from vesta import Connection, Response, Server, check, check_equal, sanitized, serve, wait_for

MIB = 1 << 20
SITE: dict[str, Any] = {
    "groups/base.json": {"id": "base", "profile": "base"},
    "profiles/base.json": {"id": "base", "generic_id": "a.txt"},
    "generic/a.txt": "a\n",
}
LENGTH = {"Content-Length": str(100 * MIB)}
CHUNKED = {"Transfer-Encoding": "chunked"}
JSON = {"Content-Type": "application/json"}


def start() -> Server:
    server = serve(SITE)
    for role in ("read", "write"):
        made = server.api("POST", "/tokens", {"name": role, "role": role}).want(201).json()
        (server.data / f"{role}.token").write_text(made["token"])
    return server


def token(server: Server, role: str) -> str:
    return (server.data / f"{role}.token").read_text()


def head(method: str, path: str, secret: Optional[str], *more: dict[str, str]) -> bytes:
    fields = {"Host": "a", **({"Authorization": f"Bearer {secret}"} if secret else {})}
    for m in more:
        fields.update(m)
    lines = [f"{method} /api/v1{path} HTTP/1.1", *(f"{k}: {v}" for k, v in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def problem(answer: Response, status: int) -> str:
    answer.want(status)
    check_equal(answer.header("Content-Type"), "application/problem+json", "Content-Type")
    body = answer.json()
    check_equal(body["status"], status, "the status in the problem")
    return str(body["detail"])


def test_refusals_come_before_the_body(server: Server) -> None:
    """Only the head is sent; a server that wants the body first would say nothing."""
    read, write = token(server, "read"), token(server, "write")
    for framing in (LENGTH, CHUNKED):
        for status, request in [
            (401, head("PUT", "/groups/x", None, framing, JSON)),
            (401, head("PUT", "/groups/x", "wrong", framing, JSON)),
            (401, head("POST", "/nothing/here", None, framing)),
            (403, head("PUT", "/groups/x", read, framing, JSON)),
            (403, head("POST", "/tokens", write, framing, JSON)),
            (404, head("POST", "/nothing/here", read, framing)),
            (405, head("POST", "/groups/x", write, framing)),
            (415, head("PUT", "/groups/x", write, framing, {"Content-Type": "text/yaml"})),
        ]:
            with Connection(server.api_port) as c:
                c.send(request)
                answer = c.read_response()
                problem(answer, status)
                check_equal(answer.header("Connection"), "close", f"Connection of a {status}")
    for path, most in (("/groups/x", MIB), ("/templates/generic/x", 2 * MIB), ("/groups", 65536)):
        with Connection(server.api_port) as c:
            c.send(head("GET" if path == "/groups" else "PUT", path, write, LENGTH))
            detail = problem(c.read_response(), 413)
            check(f"the most is {most} bytes" in detail, detail)
    with Connection(server.api_port) as c:
        c.send(head("POST", "/tokens", server.token, {"Content-Length": "20000"}, JSON))
        problem(c.read_response(), 413)
    server.get("/generic").want(200, "a\n")


def test_refusals_without_a_body_keep_the_connection(server: Server) -> None:
    with Connection(server.api_port) as c:
        for _ in range(3):
            problem(c.request("/api/v1/groups"), 401)
            problem(
                c.request("/api/v1/nothing", headers={"Authorization": f"Bearer {server.token}"}),
                404,
            )
            c.request("/healthz").want(200)


def test_expectations(server: Server) -> None:
    expect = {"Expect": "100-continue"}
    with Connection(server.api_port) as c:
        c.send(head("PUT", "/groups/x", None, LENGTH, JSON, expect))
        problem(c.read_response(), 401)
    body = b'{"profile":"base","selector":{"a":"b"}}'
    length = {"Content-Length": str(len(body))}
    with Connection(server.api_port) as c:
        c.send(head("PUT", "/groups/expected", server.token, length, JSON, expect))
        check_equal(c.socket.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n", "the interim answer")
        c.send(body)
        c.read_response().want(201)
    server.api("DELETE", "/groups/expected").want(204)


def send_chunks(c: Connection, size: int) -> None:
    piece = b"x" * 65536
    for _ in range(size // len(piece)):
        c.send(b"10000\r\n" + piece + b"\r\n")
    c.send(b"0\r\n\r\n")


def test_attack_20_a_body_of_100_mb(server: Server) -> None:
    """In one piece and in chunks, with and without a token, by clients that read only at the end."""
    server.get("/generic").want(200)
    before = server.memory("VmRSS")
    secret = token(server, "write")
    for size, framing in ((50 * MIB, CHUNKED), (100 * MIB, LENGTH)):
        for who, status in ((secret, 413), (None, 401)):
            with Connection(server.api_port) as c:
                c.send(head("PUT", "/groups/x", who, framing, JSON))
                try:
                    if framing is CHUNKED:
                        send_chunks(c, size)
                    else:
                        for _ in range(size // MIB):
                            c.send(b"x" * MIB)
                except OSError:
                    check(size > 64 * MIB, "a body of 50 MiB was not read to its end")
                    continue  # what is thrown away has a limit, and then there is a reset
                problem(c.read_response(), status)
    check(server.memory("VmHWM") < before + 16 * MIB, "memory grows with refused bodies")
    server.get("/generic").want(200, "a\n")


def test_json_of_the_most_is_taken(server: Server) -> None:
    start_ = b'{"profile":"base","selector":{"a":"most"},"name":"'
    body = start_ + b"x" * (MIB - len(start_) - 2) + b'"}'
    check_equal(len(body), MIB)
    server.api("PUT", "/groups/most", body, JSON).want(201)
    server.api("DELETE", "/groups/most").want(204)


def held(server: Server) -> list[str]:
    """Connections and nameless files that the server has open."""
    folder = f"/proc/{server.pid}/fd"
    links = []
    for name in os.listdir(folder):
        try:
            links.append(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            continue
    return sorted(x for x in links if x.startswith("socket:") or x.endswith("(deleted)"))


def api_connections(monitor: Connection, server: Server) -> tuple[int, int]:
    """(open, accepted since the start), as the server counts them."""
    answer = monitor.request("/metrics", headers={"Authorization": f"Bearer {server.token}"}).want(200)
    found = {
        name: int(value)
        for name, value in re.findall(
            r'^vesta_http_(connections(?:_accepted_total)?){plane="api"} (\d+)$', answer.text, re.M
        )
    }
    return found["connections"], found["connections_accepted_total"]


def test_clients_that_leave_amid_a_body(server: Server) -> None:
    """A client may have left before the server accepts it, so the server's own count tells when
    all were seen; how long that takes on a busy machine is of no interest here."""
    files = sorted(p.name for p in server.data.iterdir())
    request = head(
        "PUT", "/templates/generic/half", token(server, "write"), {"Content-Length": "2000000"}
    )

    def leave() -> None:
        with Connection(server.api_port) as c:
            c.send(request + b"x" * 1500000)

    with Connection(server.api_port) as monitor:
        wait_for(lambda: api_connections(monitor, server)[0] == 1, "earlier clients to end", 60)
        accepted = api_connections(monitor, server)[1]
        before = wait_for(lambda: 3 == len(x := held(server)) and x, "2 listeners, 1 client", 60)
        threads = [threading.Thread(target=leave) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        wait_for(
            lambda: api_connections(monitor, server) == (1, accepted + 20), "20 came and left", 60
        )
        wait_for(lambda: held(server) == before, "what was held for them to be closed", 60)
    check_equal(sorted(p.name for p in server.data.iterdir()), files, "files of the data path")
    server.api("GET", "/templates/generic/half").want(404)


def newest(server: Server) -> Any:
    return server.api("GET", "/revisions").want(200).json()["items"][0]["revision"]


def test_attack_20_a_large_upload_goes_to_a_nameless_file(server: Server) -> None:
    """Memory stays flat while it comes, nobody sees the file, and it is gone with the client."""
    before = wait_for(lambda: len(held(server)) == 2 and held(server), "the listeners alone", 30)
    files = sorted(p.name for p in server.data.iterdir())
    memory, revision = server.memory("RssAnon"), newest(server)
    size = {"Content-Length": str(200 * MIB), "Content-Type": "application/x-ndjson"}
    for method, path, who in (("POST", "/plan", "write"), ("POST", "/apply", "write")):
        with Connection(server.api_port) as c:
            c.send(head(method, path, token(server, who), size))
            for _ in range(100):
                c.send(b"\n" * MIB)
            mine = wait_for(
                lambda: [x for x in held(server) if x.endswith("(deleted)")], "a file", 30
            )
            check_equal(len(mine), 1, "nameless files")
            check_equal(sorted(p.name for p in server.data.iterdir()), files, "files with names")
            grown = server.memory("RssAnon") - memory
            check(grown < 16 * MIB or sanitized(), f"{grown} bytes for 100 MiB")
        wait_for(lambda: held(server) == before, "the file and the connection to be gone", 30)
    check_equal(newest(server), revision, "the newest revision")
