"""Who is behind a proxy, and what becomes of one that asks for one machine after another."""

import threading
from typing import Any, Optional

from vesta import Connection, Response, Server, check, check_equal, run, sanitized, serve, wait_for

SITE: dict[str, Any] = {
    "groups/one.json": {"id": "one", "profile": "p", "selector": {"mac": "52:54:00:00:00:01"}},
    "profiles/p.json": {"id": "p", "generic_id": "a.txt", "ipxe_id": "a.ipxe"},
    "generic/a.txt": "a\n",
    "ipxe/a.ipxe": "#!ipxe\n",
}
HIT = "/generic?mac=52:54:00:00:00:01"


def start() -> Server:
    return serve(SITE, "--trusted-proxy", "127.0.0.0/8,10.0.0.0/8", "--misses-per-minute", "60")


def ask(server: Server, target: str, client: Optional[str]) -> Response:
    return server.get(target, {"X-Forwarded-For": client} if client else {})


def logged(server: Server, path: str) -> str:
    """The address in the log line of the one request for this path."""

    def found() -> list[str]:
        return [x for x in server.log().splitlines() if f"path={path} " in x]

    words = wait_for(found, f"a line about {path}", 30)[0].split()
    return next(w for w in words if w.startswith("remote=")).removeprefix("remote=")


def test_attack_4_forwarded_addresses_are_those_that_trusted_proxies_tell(server: Server) -> None:
    cases: list[tuple[dict[str, str], str]] = [
        ({}, "127.0.0.1"),
        ({"X-Forwarded-For": "203.0.113.1"}, "203.0.113.1"),
        ({"X-Forwarded-For": "198.51.100.9, 203.0.113.1"}, "203.0.113.1"),
        ({"X-Forwarded-For": "203.0.113.1, 10.9.9.9"}, "203.0.113.1"),
        ({"X-Forwarded-For": "203.0.113.1, junk"}, "127.0.0.1"),
        ({"Forwarded": "for=203.0.113.1"}, "127.0.0.1"),
        ({"X-Real-IP": "203.0.113.1"}, "127.0.0.1"),
    ]
    for n, (sent, want) in enumerate(cases):
        server.get(f"/proxied-{n}", sent).want(404)
        check_equal(logged(server, f"/proxied-{n}"), want, f"who sent {sent}")
        server.api("GET", f"/proxied-{n}", headers=sent).want(404)
        check_equal(logged(server, f"/api/v1/proxied-{n}"), want, f"who sent the API {sent}")


def test_attack_4_without_trusted_proxies_nobody_is_believed() -> None:
    with serve(SITE) as server:
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            server.get(f"/{name}", {name: "203.0.113.1"}).want(404)
            check_equal(logged(server, f"/{name}"), "127.0.0.1", name)


def sweep(
    server: Server, client: str, n: int, target: str = "/generic?mac=02:00:00:00:%02x:%02x"
) -> list[int]:
    with server.connect() as c:
        return [
            c.request(target % (i >> 8, i & 255), headers={"X-Forwarded-For": client}).status
            for i in range(n)
        ]


def test_attack_7_a_sweep_over_macs_is_slowed_down(server: Server) -> None:
    """A minute's worth of misses, then 503: at most one a second, whatever it asks for."""
    statuses = sweep(server, "203.0.113.50", 300)
    check_equal(set(statuses[:60]), {404}, "the first minute's worth")
    check(statuses.count(404) < 100, f"{statuses.count(404)} of 300 were answered")
    answer = next(
        a for a in (ask(server, HIT, "203.0.113.50") for _ in range(100)) if a.status == 503
    )
    check_equal(answer.header("Retry-After"), "1", "Retry-After")
    check("203.0.113.50" in answer.text and "mac" not in answer.text, answer.text)
    # Nobody else is hindered, and it may go on when it has waited.
    ask(server, HIT, "203.0.113.51").want(200, "a\n")
    ask(server, "/generic?mac=02:00:00:00:00:01", "203.0.113.51").want(404)
    wait_for(lambda: ask(server, HIT, "203.0.113.50").status == 200, "it to be answered again", 60)


def test_attack_7_every_document_counts(server: Server) -> None:
    targets = (
        "/ipxe?mac=02:00:00:00:%02x:%02x",
        "/ignition.sig?mac=02:00:00:00:%02x:%02x",
        "/nocloud/mac=02:00:00:00:%02x:%02x/user-data",
        "/pxelinux.cfg/01-02-00-00-00-%02x-%02x",
        "/metadata?mac=02:00:00:00:%02x:%02x",
    )
    for n, target in enumerate(targets):
        statuses = sweep(server, f"203.0.113.{100 + n}", 200, target)
        check(statuses[0] == 404 and 503 in statuses, f"{target}: {set(statuses)}")
        check(statuses.count(404) < 100, f"{target}: {statuses.count(404)} of 200 were answered")


def test_hits_and_loopback_have_no_limit(server: Server) -> None:
    def storm(client: Optional[str], target: str, status: int) -> None:
        with server.connect() as c:
            for _ in range(1000):
                headers = {"X-Forwarded-For": client} if client else {}
                c.request(target, headers=headers).want(status)

    threads = [
        threading.Thread(target=storm, args=args)
        for args in (
            ("203.0.113.60", HIT, 200),
            (None, "/generic?mac=02:00:00:00:00:01", 404),
            ("203.0.113.61", "/no/such/path", 404),
            ("203.0.113.62", "/assets/none", 404),
        )
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for client in ("203.0.113.60", None, "203.0.113.61", "203.0.113.62"):
        ask(server, HIT, client).want(200)


def test_attack_21_many_addresses_take_no_memory(server: Server) -> None:
    before = server.memory("VmRSS")
    with server.connect() as c:
        for i in range(20000):
            client = f"2001:db8:{i:x}::1"
            headers = {"X-Forwarded-For": client}
            c.request(f"/generic?mac=02:00:00:00:{i >> 8:02x}:{i & 255:02x}", headers=headers).want(
                404
            )
    grown = server.memory("VmRSS") - before
    check(grown < 8 << 20 or sanitized(), f"{grown} bytes for 20,000 addresses")


def test_the_limit_can_be_switched_off() -> None:
    with serve(SITE, "--trusted-proxy", "127.0.0.0/8", "--misses-per-minute", "0") as server:
        check_equal(set(sweep(server, "203.0.113.1", 2000)), {404}, "statuses")


def test_wrong_flags() -> None:
    for flags, word in [
        (["--trusted-proxy", "proxy.example.org"], "--trusted-proxy"),
        (["--trusted-proxy", "192.0.2.1/24"], "bits beyond"),
        (["--misses-per-minute", "60001"], "--misses-per-minute is at most 60000"),
    ]:
        done = run("serve", "--data-path", "/nonexistent/vesta", *flags)
        check(done.code == 1 and word in done.err, f"{flags}: {done.code} {done.err}")


def test_attack_20_connections_of_one_address(server: Server) -> None:
    """1,000 of them at most; a proxy that is trusted has as many as there are."""
    with serve(SITE) as other:
        open_: list[Connection] = []
        try:
            refused = 0
            for _ in range(1040):
                open_.append(other.connect())
            for c in open_:
                try:
                    c.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                    c.read_response().want(200)
                except (AssertionError, OSError):
                    refused += 1
            check_equal(refused, 40, "connections over the limit")
        finally:
            for c in open_:
                c.socket.close()
        wait_for(lambda: one_more(other), "room again", 30)
    many = [server.connect() for _ in range(1040)]
    for c in many:
        c.request("/healthz").want(200)
        c.socket.close()


def one_more(server: Server) -> bool:
    try:
        return server.get("/healthz").status == 200
    except (AssertionError, OSError):
        return False
