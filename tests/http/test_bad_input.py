"""What attackers and broken clients send. Each is refused by an exact status, or closed, and the
server answers the next one."""

import os
import time
from typing import Any, Iterator

from vesta import Connection, Server, check, check_equal, sanitized, serve, shorten

SITE: dict[str, Any] = {
    "groups/base.json": {"id": "base", "profile": "base"},
    "profiles/base.json": {"id": "base", "boot": {"kernel": "/k"}, "generic_id": "echo.txt"},
    "generic/echo.txt": "{{range $k, $v := .request.query}}[{{$k}}={{$v}}]{{end}}\n",
}
IPXE = b"#!ipxe\nkernel /k\nboot\n"
END = b"Host: a\r\nConnection: close\r\n\r\n"


def start() -> Server:
    return serve(SITE, assets={"one.txt": b"one", "sub/two.txt": b"two"})


def get(target: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + END


def with_fields(*fields: bytes) -> bytes:
    return b"GET /ipxe HTTP/1.1\r\n" + b"".join(f + b"\r\n" for f in fields) + b"\r\n"


def still_answers(server: Server) -> None:
    check_equal(server.get("/ipxe").want(200).body, IPXE, "the next answer")


def check_statuses(server: Server, cases: list[tuple[bytes, int]]) -> None:
    for data, status in cases:
        try:
            answer = server.raw(data)
        except AssertionError as e:
            raise AssertionError(f"{shorten(data, 120)}: {e}") from e
        check_equal(answer.status, status, f"status for {shorten(data, 120)}")
        if status >= 400:
            check(answer.header("Vesta-Match") is None, "an error with Vesta-Match")
    still_answers(server)


# --- targets ---------------------------------------------------------------------------------------


def test_bad_percent_encoding_in_the_query_drops_the_pair(server: Server) -> None:
    for query, pairs in [
        ("a=%zz&b=1", "[b=1]"),
        ("%=1&b=1", "[b=1]"),
        ("a=%4&b=1", "[b=1]"),
        ("a=1;c=2&b=1", "[b=1]"),
        ("a=%2541", "[a=%41]"),
        ("a=%ff+%2B", "[a=\udcff +]"),
        ("&&&", ""),
        ("", ""),
    ]:
        body = f"{pairs}\n".encode("utf-8", "surrogateescape")
        check_equal(server.get(f"/generic?{query}").want(200).body, body, f"pairs of {query!r}")


def test_a_control_character_in_a_label_is_not_printed(server: Server) -> None:
    answer = server.get("/generic?a=%00").want(500)
    check("control character" in answer.text, answer.text)


def test_bad_bytes_in_the_target(server: Server) -> None:
    check_statuses(
        server,
        [
            (get(b"/ipxe?a=%zz"), 200),
            (get(b"/ipxe%"), 404),
            (get(b"/ipxe%00"), 404),
            (get(b"/%69pxe"), 404),
            (get(b"/ipxe\0"), 400),
            (get(b"/ip\0xe?a=b"), 400),
            (get(b"/ipxe?\0"), 400),
            (get(b"/ipxe?a=\x01"), 400),
            (get(b"/ipxe?a=\x7f"), 400),
            (get(b"/ipxe?a=\t"), 400),
            (get(b"/ipxe?a=\xff\xfe"), 200),
            (get(b"ipxe"), 400),
            (get(b"*"), 400),
            (get(b"http://a/ipxe"), 200),
            (get(b"HTTPS://other.test:1/ipxe?a=b"), 200),
            (get(b"http://a"), 200),
            (get(b"http://a?b"), 200),
            (get(b"http:///ipxe"), 400),
            (get(b"http://u@a/ipxe"), 400),
            (get(b"gopher://a/ipxe"), 400),
            (b"CONNECT a:80 HTTP/1.1\r\n" + END, 400),
            (b"OPTIONS * HTTP/1.1\r\n" + END, 400),
            (b"GET  /ipxe HTTP/1.1\r\n" + END, 400),
            (b"GET /ipxe  HTTP/1.1\r\n" + END, 400),
            (b"GET /ip xe HTTP/1.1\r\n" + END, 400),
            (b"GET /ipxe\r\n" + END, 400),
            (b"GET /ipxe HTTP/2.0\r\n" + END, 505),
            (b"GET /ipxe HTTP/0.9\r\n" + END, 505),
        ],
    )


def test_attack_20_long_targets(server: Server) -> None:
    many = b"&".join(b"k%d=v" % i for i in range(10000))
    check_statuses(
        server,
        [
            (get(b"/ipxe?x=" + b"a" * 5900), 200),
            (get(b"/ipxe?x=" + b"a" * 6000), 414),
            (get(b"/ipxe?x=" + b"a" * 65536), 414),
            (get(b"/" + b"a" * 65536), 414),
            (get(b"/ipxe?" + many), 414),
            (get(b"/ipxe?" + b"&".join(b"%d" % i for i in range(1000))), 200),
            (get(b"/ipxe?" + b"&".join(b"%d" % i for i in range(1001))), 400),
            (get(b"/ipxe?" + b"&" * 5900), 200),
            (get(b"/assets/" + b"a" * 5000), 404),
            (get(b"/assets/" + b"a/" * 2500), 404),
        ],
    )


def climbing() -> Iterator[str]:
    """Ways to write "../vesta.db" that some server somewhere has fallen for."""
    for dots in (
        "..",
        "%2e%2e",
        "%2E%2E",
        ".%2e",
        "%2e.",
        "%252e%252e",
        "%c0%ae%c0%ae",
        "%uff0e%uff0e",
        "..%00",
        "..;",
        "%e0%80%ae%e0%80%ae",
    ):
        for slash in ("/", "%2f", "%2F", "%5c", "\\", "%252f", "%c0%af"):
            for prefix in ("", "sub/", "sub/../", "./", "one.txt/"):
                yield f"/assets/{prefix}{dots}{slash}vesta.db"
                yield f"/assets/{prefix}{dots}{slash}{dots}{slash}etc/passwd"
    yield from ("/assets/..", "/assets/%2e%2e", "/assets/%2fetc%2fpasswd", "/assets/one.txt%00.png")
    yield from ("/../etc/passwd", "/%2e%2e/etc/passwd", "/assets/../../../../etc/passwd")


def test_climbing_out_of_the_assets(server: Server) -> None:
    (server.data / "assets" / "out").symlink_to(server.data / "admin.token")
    (server.data / "assets" / "up").symlink_to("..")
    (server.data / "assets" / "in").symlink_to("sub/two.txt")
    with server.connect() as c:
        for target in (
            *climbing(),
            "/assets/out",
            "/assets/up/vesta.db",
            "/assets/up/assets/one.txt",
        ):
            answer = c.request(target)
            clean = answer.status == 301 and "/./" in target
            check(clean or answer.status == 404, f"{target}: {answer.status} {answer.body[:80]!r}")
    for target in ("//etc/passwd", "/assets//etc/passwd", "/assets///etc/passwd"):
        location = server.get(target).want(301).header("Location") or ""
        server.get(location).want(404)
    server.get("/assets/in").want(200, "two")
    still_answers(server)


def test_assets_that_are_no_files(server: Server) -> None:
    os.mkfifo(server.data / "assets" / "fifo")
    (server.data / "assets" / "null").symlink_to("/dev/null")
    (server.data / "assets" / "loop").symlink_to("loop")
    for name in ("fifo", "null", "loop", "one.txt/", "sub"):
        server.get(f"/assets/{name}").want(404)


# --- heads -----------------------------------------------------------------------------------------


def test_attack_19_two_meanings_are_refused(server: Server) -> None:
    host, length, chunked = b"Host: a", b"Content-Length: 0", b"Transfer-Encoding: chunked"
    check_statuses(
        server,
        [
            (with_fields(host, b"Content-Length: 5", chunked) + b"0\r\n\r\n", 400),
            (with_fields(host, chunked, length) + b"0\r\n\r\n", 400),
            (with_fields(host, length, length), 400),
            (with_fields(host, length, b"content-length: 7"), 400),
            (with_fields(host, chunked, chunked) + b"0\r\n\r\n", 400),
            (with_fields(host, chunked, b"Transfer-Encoding: identity") + b"0\r\n\r\n", 400),
            (with_fields(host, b"Transfer-Encoding: gzip"), 501),
            (with_fields(host, b"Transfer-Encoding: xchunked"), 501),
            (with_fields(host, host), 400),
            (with_fields(host, b"host: b"), 400),
            (with_fields(), 400),
            (with_fields(b"Host: a b"), 400),
            (with_fields(b"Host: a/../b"), 400),
            (with_fields(host, b" folded"), 400),
            (with_fields(host, b"A: b", b"\tfolded"), 400),
            (with_fields(host, b"A : b"), 400),
            (with_fields(host, b": b"), 400),
            (with_fields(host, b"no colon"), 400),
            (with_fields(host, b"A: \0"), 400),
            (with_fields(host, b"A: \x01"), 400),
            (with_fields(host, b"A: b\rc: d"), 400),
            (b"GET /ipxe HTTP/1.1\nHost: a\n\n", 400),
            (b"GET /ipxe HTTP/1.1\r\nHost: a\nA: b\r\n\r\n", 400),
            (b"G\xc8T /ipxe HTTP/1.1\r\n" + END, 400),
            (b"GET /ipxe HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            (b"GET /ipxe HTTP/1.0\r\n\r\n", 200),
            (b"GET /ipxe HTTP/1.0\r\nHost: a\r\n\r\n", 200),
        ],
    )


def test_attack_20_heads_that_are_too_large(server: Server) -> None:
    check_statuses(
        server,
        [
            (with_fields(b"Host: a", b"A: " + b"b" * 20000), 431),
            (with_fields(b"Host: a", *(b"A%d: b" % i for i in range(1000))), 431),
            (with_fields(b"Host: a", b"Connection: close", b"A: " + b"b" * 4000), 200),
        ],
    )


def test_attack_19_lengths_that_are_none_close_the_connection(server: Server) -> None:
    # libmicrohttpd answers these itself, so the status and the end are all that is asked for.
    for value in (b"-1", b"+0", b"0, 0", b"0x0", b"1e1", b"99999999999999999999999", b""):
        with server.connect() as c:
            c.send(with_fields(b"Host: a", b"Content-Length: " + value))
            status = c.read_head().status
            check(status in (400, 413), f"Content-Length {value!r}: {status}")
            while c.receive():
                pass
    still_answers(server)


def test_what_is_not_http(server: Server) -> None:
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"x", b"SSH-2.0-x"):
        with server.connect() as c:
            c.send(data + b"\r\n\r\n")
            received = b""
            while not c.at_end():
                received += c.receive()
            check(b" 200 " not in received, f"an answer to {data!r}: {received!r}")
    still_answers(server)


def test_bodies_are_read_and_ignored(server: Server) -> None:
    for method, status in (("GET", 200), ("HEAD", 200), ("POST", 405), ("PUT", 405)):
        with server.connect() as c:
            answer = c.request("/ipxe", method, None, b"mac=52:54:00:00:00:01")
            check_equal(answer.status, status, f"{method} with a body")
            c.request("/ipxe").want(200, IPXE)
    check_statuses(server, [(with_fields(b"Host: a", b"Content-Length: 1000000"), 413)])


def test_attack_19_nothing_is_smuggled(server: Server) -> None:
    """Bytes after a refused request are never taken for the next one."""
    hidden = b"GET /generic?smuggled=1 HTTP/1.1\r\nHost: a\r\n\r\n"
    for first in (
        with_fields(b"Host: a", b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
        with_fields(b"Host: a", b"Content-Length: 0", b"Content-Length: 4"),
        with_fields(b"Host: a", b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
        with_fields(b"Host: a", b"A : b"),
        b"POST /ipxe HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
    ):
        with server.connect() as c:
            c.send(first + hidden)
            check(c.read_response().status >= 400, f"taken: {first!r}")
            check(c.at_end(), f"the connection is still open after {first!r}")
    check("smuggled" not in server.log(), "a hidden request was answered")
    still_answers(server)


def test_attack_19_chunks(server: Server) -> None:
    """Chunks in many spellings: read as RFC 9112 has them or refused, and nothing follows them."""
    hidden = b"GET /generic?smuggled=1 HTTP/1.1\r\nHost: a\r\n\r\n"
    head = b"POST /ipxe HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    for chunks, statuses in [
        (b"3\r\nabc\r\n0\r\n\r\n", {405}),
        (b"3;ext=1\r\nabc\r\n0;x\r\n\r\n", {405}),
        (b"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n", {405}),
        (b"03\r\nabc\r\n00\r\n\r\n", {405}),
        (b"-3\r\nabc\r\n0\r\n\r\n", {400}),
        (b"0x3\r\nabc\r\n0\r\n\r\n", {400}),
        (b"+3\r\nabc\r\n0\r\n\r\n", {400}),
        (b" 3\r\nabc\r\n0\r\n\r\n", {400}),
        (b"\r\nabc\r\n0\r\n\r\n", {400}),
        (b"3\r\nabcX0\r\n\r\n", {400}),
        (b"fffffffffffffffffffff\r\n", {413, 400}),
        (b"7fffffffffffffff\r\n" + b"x" * 10000, {413}),
    ]:
        with server.connect() as c:
            c.send(head + chunks + hidden)
            status = c.read_response().status
            check(status in statuses, f"{chunks[:30]!r}: {status}")
            check(c.at_end(), f"the connection is still open after {chunks[:30]!r}")
    check("smuggled" not in server.log(), "a hidden request was answered")
    still_answers(server)


def test_attack_19_responses_that_are_none_of_ours(server: Server) -> None:
    """1xx: an expectation is met once, and a pipeline is answered in order, each once."""
    with server.connect() as c:
        c.send(
            b"POST /ipxe HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        check_equal(c.receive(), b"HTTP/1.1 100 Continue\r\n\r\n", "the interim answer")
        c.send(b"abc" + get(b"/ipxe"))
        c.read_response().want(405)
        c.read_response().want(200, IPXE)
    with server.connect() as c:
        one = b"GET /generic?n=%d HTTP/1.1\r\nHost: a\r\n\r\n"
        c.send(b"".join(one % i for i in range(100)))
        for i in range(100):
            c.read_response().want(200, f"[n={i}]\n")


# --- time ------------------------------------------------------------------------------------------


def test_attack_20_slow_heads_are_cut_and_hinder_nobody(server: Server) -> None:
    """A byte now and then keeps no connection open: the whole head has ten seconds."""
    slow = [Connection(server.boot_port) for _ in range(50)]
    began = time.monotonic()
    for c in slow:
        c.send(b"GET /ipxe HTTP/1.1\r\nHost: a\r\nX: ")
        c.socket.settimeout(0.001)
    open_ = set(slow)
    while open_:
        check(time.monotonic() - began < 60, f"{len(open_)} slow connections live for a minute")
        still_answers(server)
        for c in list(open_):
            try:
                c.send(b"y")
                if not c.receive():
                    open_.remove(c)
            except TimeoutError:
                continue
            except OSError:
                open_.remove(c)
        time.sleep(0.2)
    check(time.monotonic() - began > 5, "slow connections were cut before they were slow")
    for c in slow:
        c.socket.close()


def test_attack_20_slow_loris_takes_little_memory(server: Server) -> None:
    """Hundreds that never end their heads: others are answered, memory stays, all are cut."""
    server.get("/ipxe").want(200)
    before = server.memory("VmRSS")
    slow = [Connection(server.boot_port) for _ in range(800)]
    for c in slow:
        c.send(b"GET /ipxe HTTP/1.1\r\nHost: a\r\nX: ")
    still_answers(server)
    each = (server.memory("VmRSS") - before) / len(slow)
    check(each < 24 << 10 or sanitized(), f"{each} bytes for each slow connection")
    for c in slow:
        still_answers(server)
        check(c.at_end(), "a slow connection was answered")
        c.socket.close()


def test_attack_20_many_idle_connections(server: Server) -> None:
    idle = [Connection(server.boot_port) for _ in range(400)]
    still_answers(server)
    for c in idle:
        c.request("/ipxe").want(200)
        c.socket.close()


def test_attack_20_clients_that_go_away(server: Server) -> None:
    (server.data / "assets" / "big").write_bytes(b"x" * (8 << 20))
    for i in range(50):
        with server.connect() as c:
            c.send(b"GET /assets/big HTTP/1.1\r\n" + END if i % 2 else b"GET /ip")
    still_answers(server)
