"""Attacks on the service itself, each test with the number that it has in the list of them:

5 labels given twice, 7 finding out what there is, 16 terminals, 17 out of a folder, 18 ranges, 21 floods of
unknown machines, 24 the API from where machines are, 28 what a program in C is attacked by.
"""

import json
import os
import re
import socket
import threading
from typing import Any, Iterator
from urllib.parse import quote

import vesta
from vesta import (
    Response,
    Scratch,
    Server,
    check,
    check_equal,
    request_bytes,
    run,
    serve,
    wait_for,
    write_site,
)

ONE, TWO, NONE = "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:99"
SITE: dict[str, Any] = {
    "groups/one.json": {
        "id": "one",
        "profile": "p",
        "selector": {"mac": ONE},
        "metadata": {"n": "one"},
    },
    "groups/two.json": {
        "id": "two",
        "profile": "p",
        "selector": {"mac": TWO},
        "metadata": {"n": "two"},
    },
    "profiles/p.json": {"id": "p", "generic_id": "g", "cloud_id": "c", "boot": {"kernel": "/k"}},
    "generic/g": "{{.n}}\n",
    "cloud/c": "#cloud-config\nhostname: {{toJson .n}}\n",
}
BODY = bytes(range(256)) * 64
ASSETS = {"sub/file": BODY, "empty": b"", "secret/file": b"no"}


def start() -> Server:
    return serve(SITE, assets=ASSETS)


def group_of(answer: Response) -> str:
    match = answer.want(200).header("Vesta-Match") or ""
    return match.split(";")[0].removeprefix("group=")


# --- 5: labels given twice -------------------------------------------------------------------------

# (what is asked, the group that it is answered for, whether a label has two values)
TWICE = [
    (f"/generic?mac={ONE}&mac={TWO}", "one", True),
    (f"/generic?mac={TWO}&mac={ONE}", "two", True),
    (f"/generic?mac={ONE}&%6dac={TWO}", "one", True),
    (f"/generic?%6dac={TWO}&mac={ONE}", "two", True),
    (f"/generic?mac={ONE}&%6D%61%63={TWO}&mac={TWO}", "one", True),
    (f"/generic?mac={ONE}&mac={ONE}", "one", False),
    # The same MAC as bytes that differ: with two spellings the client contradicts nothing but
    # itself, and the first counts.
    (f"/generic?mac={ONE}&mac={TWO.replace(':', '-')}", "one", True),
    # Another name is another label.
    (f"/generic?mac={ONE}&MAC={TWO}", "one", False),
    (f"/generic?MAC={TWO}&mac={ONE}", "one", False),
    # A path and a query that disagree: the path comes first.
    (f"/nocloud/mac={ONE}/user-data?mac={TWO}", "one", True),
    (f"/nocloud/mac={ONE};mac={TWO}/user-data", "one", True),
    (f"/pxelinux.cfg/01-{ONE.replace(':', '-')}?mac={TWO}", "one", True),
]


def test_attack_5_the_first_value_counts_and_the_conflict_is_logged(server: Server) -> None:
    for target, group, conflict in TWICE:
        before = server.log().count(" warn conflicting-labels ")
        check_equal(group_of(server.get(target)), group, target)
        if conflict:
            wait_for(
                lambda n=before: server.log().count(" warn conflicting-labels ") > n,
                f"the conflict of {target} in the log",
            )
    # What is no MAC counts for nothing, but it was first: nobody else's MAC takes its place.
    server.get(f"/generic?mac=nonsense&mac={ONE}").want(404)
    lines = [x for x in server.log().splitlines() if "conflicting-labels" in x]
    check(all("key=mac" in x and "remote=127.0.0.1" in x for x in lines), lines[-1])


def test_attack_5_strict_labels_refuses() -> None:
    with serve(SITE, "--strict-labels") as server:
        for target, group, conflict in TWICE:
            answer = server.get(target)
            if conflict:
                check("given twice" in answer.want(400).text, answer.text)
            else:
                check_equal(group_of(answer), group, target)


def test_attack_5_no_two_groups_for_one_machine(server: Server) -> None:
    """A tie between groups cannot be made, and two that differ have an order of their own."""
    group = {"profile": "p", "selector": {"mac": ONE.upper()}}
    server.api("PUT", "/groups/three", group).want(409)
    for name, label in (("b", "x"), ("a", "y")):
        server.api(
            "PUT",
            f"/groups/{name}",
            {"profile": "p", "selector": {label: "1"}, "metadata": {"n": "n"}},
        )
    first = group_of(server.get("/generic?x=1&y=1"))
    for query in ("y=1&x=1", "x=1&y=1&z=2", "z=0&y=1&x=1"):
        check_equal(group_of(server.get(f"/generic?{query}")), first, query)


# --- 7: finding out what there is ------------------------------------------------------------------


def told(answer: Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that an answer tells, but its date."""
    return answer.status, answer.body, [f for f in answer.fields if f[0].lower() != "date"]


def test_attack_7_what_is_not_there_and_what_is_not_for_machines_look_alike(server: Server) -> None:
    none = told(server.get("/no-such-path").want(404))
    for path in (
        "/api/v1/groups",
        "/api/v1/openapi.json",
        "/api",
        "/metrics",
        "/admin",
        "/groups/one",
        "/vesta.db",
        "/admin.token",
        "/keys/signing.key",
        "/server.json",
    ):
        check_equal(told(server.get(path)), none, path)
        check_equal(told(server.get(path, {"Authorization": f"Bearer {server.token}"})), none, path)
    # Assets: not there, not readable, a folder, a way out.
    (server.data / "assets" / "secret").chmod(0)
    none = told(server.get("/assets/none").want(404))
    paths = ["/assets/sub", "/assets/%2e%2e/vesta.db", "/assets/sub/file/x"]
    if os.geteuid() != 0:
        paths.append("/assets/secret/file")
    for path in paths:
        check_equal(told(server.get(path)), none, path)
    # A machine that no group is for, whatever it asks.
    for d in ("ignition", "cloud", "generic", "metadata"):
        server.get(f"/{d}?mac={NONE}").want(404, f"no {d}: no group matches these labels\n")


def test_attack_7_without_a_token_nothing_is_told_of_ids(server: Server) -> None:
    def plain(answer: Response) -> tuple[int, Any]:
        problem = answer.json()
        problem.pop("instance")
        return answer.status, problem

    reader = (
        server.api("POST", "/tokens", {"name": "reader", "role": "read"}).want(201).json()["token"]
    )
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"profile": "p"})):
        for token in ("", "wrong", reader):
            if token == reader and method == "GET":
                continue
            there = plain(server.api(method, "/groups/one", body, token=token))
            missing = plain(server.api(method, "/groups/none", body, token=token))
            check_equal(there, missing, f"{method} with the token {token[:5]!r}")
            check_equal(there[0], 403 if token == reader else 401, "status")


# --- 16: terminals ---------------------------------------------------------------------------------

ESCAPES = "a\x1b[31mb\x1b]0;c\x07\x7f\u009b2J\rd\ne"


def test_attack_16_commands_show_no_escapes_of_others() -> None:
    """What an operator's terminal would obey, in files that somebody sends and in what is stored."""
    shown = "a\\x1b[31mb\\x1b]0;c\\x07\\x7f\\xc2\\x9b2J\\x0dd\\x0ae"
    with Scratch() as tmp:
        files = {
            f"generic/{ESCAPES}": "x",
            "groups/a.json": {"id": "a", "profile": ESCAPES, "selector": {ESCAPES: ESCAPES}},
            "profiles/p.json": {"id": "p", "name": ESCAPES, ESCAPES: 1},
        }
        site, data = write_site(tmp / "site", files), tmp / "data"
        refused = run("import", "--data-path", data, site).want(1)
        check(f"generic/{shown}: error" in refused.err, refused.err)
        outcomes = [refused, run("import", "--data-path", data, "--skip-invalid", "--message", ESCAPES, site).want(0)]
        for command in (["get", "groups"], ["get", "profiles"], ["explain", f"{ESCAPES}={ESCAPES}"], ["revisions"],
                        ["revisions", "1"]):
            done = run(*command, "--data-path", data).want(0)
            check(shown in done.out, f"vesta {command[0]}: {done.out!r}")
            outcomes.append(done)
        outcomes.append(run("check", site))
        for done in outcomes:
            check(not re.search("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f]", done.out + done.err), repr(done))


# --- 17: out of a folder ---------------------------------------------------------------------------


def ways_out() -> Iterator[str]:
    for up in ("..", "%2e%2e", "%2E.", ".%2e", "..%00", "%c0%ae%c0%ae", "%252e%252e"):
        for slash in ("/", "%2f", "%5c", "\\", "//"):
            yield f"{up}{slash}admin.token"
            yield f"sub{slash}{up}{slash}{up}{slash}admin.token"
    yield from (
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "sub/file%00",
        "sub/file/..",
        ".",
        "",
    )


def test_attack_17_assets_stay_in_their_folder(server: Server) -> None:
    assets = server.data / "assets"
    token = server.token.encode()
    (assets / "to-token").symlink_to("../admin.token")
    (assets / "to-etc").symlink_to("/etc")
    (assets / "to-all").symlink_to("/")
    (assets / "to-proc").symlink_to("/proc/self/environ")
    (assets / "around").symlink_to("../assets/sub")
    (assets / "inside").symlink_to("sub/file")
    os.link(assets / "sub" / "file", assets / "hard")
    os.mkfifo(assets / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(assets / "socket"))
    links = [
        "to-token",
        "to-etc/passwd",
        "to-all/etc/passwd",
        "to-proc",
        "around/file",
        "fifo",
        "socket",
        "sub",
    ]
    if os.geteuid() == 0:
        os.mknod(assets / "null", 0o666 | 0o020000, os.makedev(1, 3))
        links.append("null")
    for path in [*ways_out(), *links]:
        answer = server.get(f"/assets/{path}")
        if answer.status == 301:  # to the clean path, which must be no better
            answer = server.get(answer.header("Location") or "")
        check_equal(answer.status, 404, f"status of {path!r}")
        check(
            token not in answer.body and b"root:" not in answer.body, f"{path!r}: {answer.body!r}"
        )
    # A link that stays inside, and a second name of a file, are files like any other.
    server.get("/assets/inside").want(200, BODY)
    server.get("/assets/hard").want(200, BODY)


def test_attack_17_names_stay_in_their_folder(server: Server) -> None:
    names = [
        "..",
        "../x",
        "a/../b",
        "a//b",
        "/etc/passwd",
        "a\\b",
        "a\0b",
        "a/",
        ".",
        "a/.",
        "x" * 129,
        "é",
    ]
    for name in names:
        escaped = quote(name, safe="")
        for raw in {escaped, escaped.replace("%2F", "/"), escaped.replace(".", "%2e")}:
            for path in (f"/templates/generic/{raw}", f"/groups/{raw}", f"/profiles/{raw}"):
                answer = server.api("PUT", path, b"{}")
                check(answer.status in (400, 404, 405, 422), f"PUT {path}: {answer.status}")
    for reference in ("../../admin.token", "/etc/passwd", "..", "a/../b"):
        answer = server.api("PUT", "/profiles/out", {"generic_id": reference}).want(422)
        check("/generic_id" in answer.text, answer.text)


def test_attack_17_a_site_directory_leads_nowhere_else() -> None:
    with Scratch() as tmp:
        site = write_site(tmp / "site", SITE)
        (tmp / "outside").write_text("from outside\n")
        (site / "generic" / "link").symlink_to(tmp / "outside")
        (site / "generic" / "up").symlink_to("../../outside")
        (site / "generic" / "etc").symlink_to("/etc")
        os.mkfifo(site / "generic" / "fifo")
        done = run("import", "--data-path", tmp / "data", "--skip-invalid", site)
        for name in ("link", "up", "etc", "fifo"):
            check(f"generic/{name}" in done.err, f"{name} is not named: {done.err}")
        with Server(tmp / "data") as server:
            for name in ("link", "up", "etc/passwd", "fifo"):
                server.api("GET", f"/templates/generic/{name}").want(404)


# --- 18: ranges ------------------------------------------------------------------------------------

N = len(BODY)
# What is no range, or has numbers beyond 63 bits, is refused, as matchbox refuses it; an empty
# part is a part. Several ranges are answered with the whole file, which RFC 9110, 14.2 allows.
RANGES: list[tuple[str, int, int, int]] = [  # header, status, first, last + 1
    ("bytes=0-0", 206, 0, 1),
    ("bytes=5-9", 206, 5, 10),
    ("bytes=5-", 206, 5, N),
    ("bytes=-5", 206, N - 5, N),
    ("bytes=-0", 206, N, N),
    (f"bytes=0-{N - 1}", 206, 0, N),
    (f"bytes=0-{N}", 206, 0, N),
    (f"bytes=0-{(1 << 63) - 1}", 206, 0, N),
    (f"bytes=-{(1 << 63) - 1}", 206, 0, N),
    ("bytes=", 200, 0, N),
    ("bytes=0-5,3-9", 200, 0, N),
    ("bytes=" + ",".join(["0-"] * 1000), 200, 0, N),
    (f"bytes={N}-", 416, N, 0),
    (f"bytes={N}-{N + 5}", 416, N, 0),
    (f"bytes={(1 << 63) - 1}-", 416, N, 0),
    *[
        (f"bytes={x}", 416, 0, 0)
        for x in (
            f"0-{1 << 63}",
            f"{1 << 64}-",
            f"-{1 << 64}",
            f"{(1 << 64) - 1}-{1 << 64}",
            "9-5",
            "-",
            "--5",
            "-5-9",
            "0x0-5",
            "a-b",
            "1-b",
            "0-0;1-1",
        )
    ],
    ("bytes", 416, 0, 0),
    ("octets=0-5", 416, 0, 0),
    ("bytes=0-0," * 300 + "0-0", 416, 0, 0),
]


def test_attack_18_ranges(server: Server) -> None:
    with server.connect() as c:
        for header, status, first, end in RANGES:
            fields = {"Range": header}
            answer = c.request("/assets/sub/file", "GET", fields)
            what = f"Range: {header[:40]}"
            check_equal(answer.status, status, what)
            if status == 206:
                check_equal(answer.header("Content-Range"), f"bytes {first}-{end - 1}/{N}", what)
            if status == 416:
                check_equal(answer.header("Content-Range"), f"bytes */{N}" if first else None, what)
            else:
                check_equal(answer.body, BODY[first:end], what)
            head = c.request("/assets/sub/file", "HEAD", fields)
            check_equal((head.status, head.length), (200, N), f"HEAD, {what}")
        for header in ("bytes=0-", "bytes=-1", "bytes=0-0"):
            answer = c.request("/assets/empty", "GET", {"Range": header})
            check(answer.status in (200, 206, 416), f"{header} of nothing: {answer.status}")
            check(
                answer.status == 416 or answer.body == b"", f"{header} of nothing: {answer.body!r}"
            )


def test_attack_18_a_part_is_of_the_file_that_it_began_with(server: Server) -> None:
    etag = server.get("/assets/sub/file").want(200).header("ETag") or ""
    resume = {"Range": "bytes=100-", "If-Range": etag}
    server.get("/assets/sub/file", resume).want(206, BODY[100:])
    path = server.data / "assets" / "replaced"
    path.write_bytes(b"a" * (8 << 20))
    with server.connect() as c:
        c.send(request_bytes("/assets/replaced"))
        answer = c.read_head().want(200)
        old = answer.header("ETag") or ""
        other = server.data / "assets" / "other"
        other.write_bytes(b"b" * (9 << 20))
        os.rename(other, path)
        body = b"".join(c.body_chunks(answer))
        check(body == b"a" * (8 << 20), "what began as one file went on as another")
    answer = server.get("/assets/replaced", {"Range": "bytes=100-", "If-Range": old}).want(200)
    check(answer.body == b"b" * (9 << 20), "a part of another file")
    server.get("/assets/replaced", {"Range": "bytes=1-", "If-Match": old}).want(412)


def test_attack_18_a_file_that_shrinks_is_not_filled_up() -> None:
    """The client sees that bytes are missing, and others are served."""
    server = serve(SITE, assets=ASSETS)
    path = server.data / "assets" / "shrinks"
    path.write_bytes(b"a" * (64 << 20))
    with server.connect(timeout=0.5) as c:
        c.send(request_bytes("/assets/shrinks"))
        chunks = c.body_chunks(c.read_head().want(200))
        got = len(next(chunks))
        os.truncate(path, got)
        try:
            for chunk in chunks:
                got += len(chunk)
        except (TimeoutError, ConnectionResetError):
            pass
        check(got < 64 << 20, "a whole body of a file that is not whole")
        server.get("/generic?mac=" + ONE).want(200)
    # A stop would wait for the connection until its deadline.
    server.kill()
    assert server.scratch
    server.scratch.remove()


# --- 21: floods of unknown machines ----------------------------------------------------------------


def test_attack_21_unknown_machines_leave_nothing_behind(server: Server) -> None:
    def flood(first: int, n: int) -> None:
        with server.connect() as c:
            for i in range(first, first + n):
                mac = ":".join(f"{b:02x}" for b in (i * 2654435761 % (1 << 46)).to_bytes(6, "big"))
                answer = c.request(f"/generic?mac={mac}&serial=S{i}&uuid={i:032x}")
                check(answer.status in (404, 429), f"a machine that nobody knows: {answer.status}")

    def stored() -> tuple[int, str]:
        size = sum(p.stat().st_size for p in server.data.glob("vesta.db*"))
        return size, server.api("GET", "/revisions?limit=1").want(200).text

    flood(0, 3000)
    server.api("PUT", "/templates/generic/g", b"{{.n}}\n").want(200)
    memory, before = server.memory("VmRSS"), stored()
    threads = [threading.Thread(target=flood, args=(10000 * k, 5000)) for k in (1, 2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check_equal(stored(), before, "the database's files and the newest revision")
    grown = server.memory("VmRSS") - memory
    check(grown < (64 if vesta.sanitized() else 8) << 20, f"the server grew by {grown >> 10} KiB")
    server.get(f"/generic?mac={ONE}").want(200, "one\n")


# --- 24: the API from where machines are -----------------------------------------------------------


def described_paths(server: Server) -> list[tuple[str, str]]:
    spec = server.api("GET", "/openapi.json").want(200).json()
    return [
        (m.upper(), p)
        for p, item in spec["paths"].items()
        for m in item
        if m in ("get", "put", "post", "patch", "delete")
    ]


def test_attack_24_no_route_of_the_api_where_machines_ask(server: Server) -> None:
    routes = described_paths(server)
    check(len(routes) > 20, f"only {len(routes)} routes are described")
    bearer = {"Authorization": f"Bearer {server.token}"}
    shared = {"/healthz", "/readyz"}
    for method, path in routes:
        path = re.sub(r"\{[^}]*\}", "one", path)
        if path in shared:
            continue
        for prefix in ("", "/api/v1", "/./", "/%2e/"):
            with server.connect() as c:
                body = b"{}" if method in ("PUT", "POST", "PATCH") else None
                answer = c.request(prefix + path, method, {**bearer, "Connection": "close"}, body)
            want = (301, 404) if method == "GET" else (404, 405)
            check(answer.status in want, f"{method} {prefix}{path} for machines: {answer.status}")
            check("Vesta-Match" not in dict(answer.fields), f"{method} {path} is a document")


def test_attack_24_the_api_stays_at_home_and_has_no_default_token() -> None:
    with Scratch() as tmp:
        for address in ("0.0.0.0:0", "[::]:0", ":0"):
            more = ["--address", "127.0.0.1:0", "--data-path", tmp / "data"]
            done = run("serve", "--api-address", address, *more).want(1)
            check("--insecure-api" in done.err or "TLS" in done.err, done.err)
            check(not (tmp / "data").exists(), "something was made before the refusal")
    tokens = set()
    for _ in range(2):
        with serve(SITE) as server:
            tokens.add(server.token)
            check_equal(
                (server.data / "admin.token").stat().st_mode & 0o777, 0o600, "mode of the token"
            )
            for guess in (
                "",
                "admin",
                "vesta",
                "Bearer",
                "null",
                server.token[:-1],
                server.token + "x",
                server.token.upper(),
            ):
                server.api("GET", "/groups", token=guess).want(401)
            # Not where it would be logged and remembered.
            server.api("GET", f"/groups?token={server.token}", token="").want(401)
            server.api(
                "GET", "/groups", headers={"Cookie": f"token={server.token}"}, token=""
            ).want(401)
            check(server.token not in server.log(), "the token is in the log")
    check(len(tokens) == 2 and all(len(t) >= 32 for t in tokens), "tokens that can be guessed")


# --- 28: what a program in C is attacked by --------------------------------------------------------

FORMATS = [
    "%s%s%s%s%s%s",
    "%n%n%n%n",
    "%08x.%08x.%08x",
    "%1000000d",
    "%99999999$n",
    "%p",
    "%*d",
    "%hhn%c",
]


def test_attack_28_formats_in_what_comes_from_outside(server: Server) -> None:
    """Printed as it is or refused, wherever it comes in."""
    server.api("PUT", "/profiles/plain", {"generic_id": "g"}).want(201)
    formats = {"profile": "plain", "selector": {"f": "1"}, "metadata": {"n": "x"}}
    for text in FORMATS:
        server.api("PUT", "/groups/formats", formats)
        escaped = quote(text, safe="")
        server.get(f"/generic?f=1&x={escaped}&{escaped}=1").want(200, "x\n")
        metadata = server.get(f"/metadata?f=1&x={escaped}").want(200).text
        check(f"REQUEST_QUERY_X={text}\n" in metadata, metadata)
        server.get(f"/{escaped}").want(404)
        server.get(f"/assets/{escaped}").want(404)
        server.get("/generic?f=1", {"User-Agent": text, text.replace("%", "a"): text}).want(200)
        group = {**formats, "metadata": {"n": text}, "name": text}
        server.api("PUT", "/groups/formats", group).want(200)
        server.get("/generic?f=1").want(200, f"{text}\n")
        for bad in (
            {"profile": text},
            {"profile": "p", text: 1},
            {"profile": "p", "selector": {"mac": text}},
        ):
            answer = server.api("PUT", "/groups/bad", bad).want(422)
            check(text in json.dumps(answer.json()), f"{text} is not in {answer.text}")
        server.api("PUT", "/templates/generic/bad", ("{{" + text + "}}").encode()).want(422)
        server.api("GET", f"/groups?after={escaped}").want(422)
        server.api("GET", f"/explain?f=1&x={escaped}").want(200)
        server.api("DELETE", f"/groups/{escaped}", headers={"Vesta-Message": text}).want(404)
        with Scratch() as tmp:
            site = write_site(tmp / "site", {**SITE, f"generic/{text}": "x"})
            run("import", "--data-path", tmp / "data", site).want(1)
            check(text in run("serve", f"--{text}").want(2).err, "a flag")


def test_attack_28_the_process_has_given_up_what_it_does_not_need(server: Server) -> None:
    """More of this is in test_sandbox.py and tests/unit/sandbox."""

    def lines(name: str) -> list[list[str]]:
        with open(f"/proc/{server.pid}/{name}", encoding="utf-8") as f:
            return [line.split() for line in f]

    status = {line[0]: line[1:] for line in lines("status") if line}
    check_equal((status["NoNewPrivs:"], status["Seccomp:"]), (["1"], ["2"]), "privileges, seccomp")
    cores = [line[4:6] for line in lines("limits") if line[:2] == ["Max", "core"]]
    check_equal(cores, [["0", "0"]], "size of core dumps")
    both = [line for line in lines("maps") if "wx" in line[1]]
    check_equal(both, [], "memory that is written and run")
