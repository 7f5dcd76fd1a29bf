"""What machines get: every path of the boot plane, its headers, signatures, and the log of it all."""

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

from vesta import (
    Response,
    Scratch,
    Server,
    check,
    check_equal,
    gpg_tool,
    gpgv,
    request_bytes,
    serve,
    wait_for,
)

BOOT_SCRIPT = (
    "#!ipxe\n"
    "chain ipxe?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain:uristring}"
    "&hostname=${hostname:uristring}&serial=${serial:uristring}&arch=${buildarch:uristring}\n"
)
IGNITION = '{"ignition":{"version":"3.4.0"}, "storage":{"files":[]}}\n'
TEXT = "text/plain; charset=utf-8"
SECRET = "correct-horse-battery-staple"

SITE: dict[str, Any] = {
    "groups/default.json": {"id": "default", "profile": "small", "metadata": {"role": "spare"}},
    "groups/one.json": {
        "id": "one",
        "profile": "full",
        "selector": {"mac": "52:54:00:00:00:01"},
        "metadata": {"role": "web", "secret": SECRET, "motd": 'two\nlines "quoted"'},
    },
    "groups/broken.json": {
        "id": "broken",
        "profile": "broken",
        "selector": {"case": "broken"},
        "metadata": {"secret": SECRET},
    },
    "groups/dangling.json": {"id": "dangling", "profile": "gone", "selector": {"case": "dangling"}},
    "groups/own.json": {"id": "own", "profile": "own", "selector": {"case": "own"}},
    "profiles/small.json": {"id": "small", "boot": {"kernel": "/assets/k", "args": ["quiet"]}},
    "profiles/full.json": {
        "id": "full",
        "boot": {"kernel": "/assets/k", "initrd": ["/assets/i"], "args": ["a=1", "b=2"]},
        "ignition_id": "raw.ign",
        "cloud_id": "user.yaml",
        "generic_id": "web.txt",
    },
    "profiles/broken.json": {
        "id": "broken",
        "generic_id": "missing-key.txt",
        "cloud_id": "not-yaml.yaml",
        "ignition_id": "gone.ign",
    },
    "profiles/own.json": {"id": "own", "ipxe_id": "own.ipxe", "grub_id": "own.cfg"},
    "ignition/raw.ign": IGNITION,
    "cloud/user.yaml": "#cloud-config\nhostname: {{.role}}\n",
    "cloud/not-yaml.yaml": "#cloud-config\npassword: [{{.secret}}\n",
    "generic/web.txt": "role={{.role}} query={{.request.raw_query}}\n",
    "generic/missing-key.txt": "# {{.secret}}\n\nname={{.nickname}}\n",
    "ipxe/own.ipxe": "#!ipxe\necho own {{.request.query.case}}\n",
    "grub/own.cfg": "echo own\n",
}
IPXE = "#!ipxe\nkernel /assets/k a=1 b=2\ninitrd /assets/i\nboot\n"
ONE = "mac=52-54-00-00-00-01"


def start() -> Server:
    return serve(SITE, assets={"k": b"kernel", "sub/i": b"initrd"})


# --- paths -----------------------------------------------------------------------------------------


def check_document(answer: Response, body: str, content_type: str, group: str) -> None:
    answer.want(200, body)
    check_equal(answer.header("Content-Type"), content_type, "Content-Type")
    check_equal(answer.header("Vesta-Match"), f"group={group}; revision=1", "Vesta-Match")
    check(answer.header("Date"), "no Date")


def test_small_paths(server: Server) -> None:
    for path, body in [("/", "vesta\n"), ("/healthz", "ok\n"), ("/readyz", "ready\n")]:
        answer = server.get(path).want(200, body)
        check_equal(answer.header("Content-Type"), TEXT, path)
        check_equal(answer.header("Vesta-Match"), None, path)


def test_boot_script(server: Server) -> None:
    for path in ("/boot.ipxe", "/boot.ipxe.0", "/boot.ipxe?mac=52:54:00:00:00:01"):
        answer = server.get(path).want(200, BOOT_SCRIPT)
        check_equal(answer.header("Content-Type"), TEXT, path)


def test_ipxe(server: Server) -> None:
    check_document(server.get(f"/ipxe?{ONE}"), IPXE, TEXT, "one")
    small = "#!ipxe\nkernel /assets/k quiet\nboot\n"
    check_document(server.get("/ipxe"), small, TEXT, "default")
    check_document(server.get("/ipxe?case=own"), "#!ipxe\necho own own\n", TEXT, "own")


def test_grub(server: Server) -> None:
    answer = server.get(f"/grub?{ONE}").want(200)
    check_equal(answer.header("Content-Type"), TEXT, "Content-Type")
    check('linuxefi "/assets/k" a=1 b=2\n' in answer.text, f"no kernel line in {answer.text!r}")
    check_document(server.get("/grub?case=own"), "echo own\n", TEXT, "own")


def test_ignition_is_what_the_author_wrote(server: Server) -> None:
    check_document(server.get(f"/ignition?{ONE}"), IGNITION, "application/json", "one")


def test_cloud_and_generic(server: Server) -> None:
    cloud = server.get(f"/cloud?{ONE}")
    check_document(cloud, "#cloud-config\nhostname: web\n", TEXT, "one")
    generic = server.get(f"/generic?{ONE}&x=%3Cb%3E")
    check_document(generic, f"role=web query={ONE}&x=%3Cb%3E\n", TEXT, "one")
    for answer in (cloud, generic):
        check_equal(answer.header("X-Content-Type-Options"), "nosniff", "X-Content-Type-Options")


def test_metadata_is_sorted_and_one_value_is_one_line(server: Server) -> None:
    want = (
        "MAC=52:54:00:00:00:01\n"
        'MOTD="two\\nlines \\"quoted\\""\n'
        "REQUEST_QUERY_MAC=52:54:00:00:00:01\n"
        f"REQUEST_RAW_QUERY={ONE}\n"
        "ROLE=web\n"
    )
    check_document(server.get(f"/metadata?{ONE}"), want, TEXT, "one")


def test_labels_in_every_spelling_of_the_mac(server: Server) -> None:
    for mac in (
        "52:54:00:00:00:01",
        "52-54-00-00-00-01",
        "5254.0000.0001",
        "52%3A54%3a00:00:00:01",
    ):
        server.get(f"/ipxe?mac={mac}").want(200, IPXE)


def test_key_is_public(server: Server) -> None:
    answer = server.get("/key.asc").want(200)
    check_equal(answer.header("Content-Type"), "application/pgp-keys", "Content-Type")
    check(answer.text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"), "no public key block")
    check("PRIVATE" not in answer.text, "a private key is served")


def test_assets(server: Server) -> None:
    answer = server.get("/assets/k").want(200, "kernel")
    check_equal(answer.header("Accept-Ranges"), "bytes", "Accept-Ranges")
    etag = answer.header("ETag") or ""
    check(re.fullmatch('"[^"]+"', etag), f"no strong ETag: {etag!r}")
    server.get("/assets/k", {"If-None-Match": etag}).want(304, b"")
    server.get("/assets/k", {"If-Modified-Since": answer.header("Last-Modified") or ""}).want(304)
    part = server.get("/assets/k", {"Range": "bytes=1-3"}).want(206, "ern")
    check_equal(part.header("Content-Range"), "bytes 1-3/6", "Content-Range")
    server.get("/assets/sub/i").want(200, "initrd")
    for folder in ("/assets", "/assets/", "/assets/sub", "/assets/sub/"):
        check_equal(server.get(folder).status, 404, folder)


# --- what is not there, and what is broken ---------------------------------------------------------


def test_not_found(server: Server) -> None:
    for target in (
        "/nothing",
        "/ipxe/",
        "/ipxe/x",
        "/IPXE",
        "/ipxe.txt",
        "/pxelinux.cfg/",
        "/pxelinux.cfg/01-52-54-00-00-00-02",
        "/nocloud/user-data",
        "/httpboot/x",
        "/.sig",
        "/key.asc.sig",
        "/healthz.sig",
        "/assets/none",
        "/api/v1/groups",
        "/metrics",
        "/ignition?case=dangling",
        "/ignition?case=broken",
        "/ipxe?case=broken",
        "/generic",
    ):
        answer = server.get(target)
        check_equal(answer.status, 404, target)
        check_equal(answer.header("Content-Type"), TEXT, target)
        check_equal(answer.body.count(b"\n"), 1, f"lines of the body for {target}")


def test_redirects_to_the_clean_path(server: Server) -> None:
    for target, location in [
        ("//ipxe", "/ipxe"),
        ("/./ipxe?a=b", "/ipxe?a=b"),
        ("//assets//k", "/assets/k"),
        ("///evil.example/x", "/evil.example/x"),
        ("/.//evil.example", "/evil.example"),
    ]:
        answer = server.get(target).want(301)
        check_equal(answer.header("Location"), location, target)


def test_broken_documents_say_where_but_no_value(server: Server) -> None:
    answer = server.get("/generic?case=broken").want(500)
    for part in ("generic", "missing-key.txt", ":3:", "nickname", "broken"):
        check(part in answer.text, f"{part!r} is not in {answer.text!r}")
    check(SECRET not in answer.text, "a value is in the body of an error")
    answer = server.get("/cloud?case=broken").want(500)
    check("not-yaml.yaml" in answer.text, f"the template is not named in {answer.text!r}")
    check(SECRET not in answer.text, "a value is in the body of an error")
    check_equal(answer.body.count(b"\n"), 1, "lines of the body")


def test_other_methods(server: Server) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get"):
        for target in ("/", "/ipxe", "/assets/k", "/nothing", "/ipxe.sig"):
            answer = server.get(target, {"Content-Length": "0"}, method)
            check_equal(answer.status, 405, f"{method} {target}")
            check_equal(answer.header("Allow"), "GET, HEAD", f"{method} {target}: Allow")


def test_head_is_get_without_a_body(server: Server) -> None:
    for target in (
        "/",
        f"/ipxe?{ONE}",
        "/boot.ipxe",
        "/assets/k",
        "/key.asc",
        "/nothing",
        "//ipxe",
    ):
        get, head = server.get(target), server.get(target, method="HEAD")
        check_equal(head.status, get.status, target)
        check_equal(head.length, len(get.body), f"Content-Length of HEAD {target}")
        names = [n for n, _ in get.fields]
        check_equal([n for n, _ in head.fields], names, f"headers of HEAD {target}")


def test_a_hundred_requests_on_one_connection(server: Server) -> None:
    with server.connect() as c:
        for i in range(100):
            c.request(f"/generic?{ONE}&n={i}").want(200, f"role=web query={ONE}&n={i}\n")
        c.request("/nothing").want(404)
        c.request("/ipxe", "HEAD").want(200)
        c.request("/assets/k").want(200, "kernel")


def test_pipelined_requests(server: Server) -> None:
    with server.connect() as c:
        c.send(b"".join(request_bytes(f"/generic?{ONE}&n={i}") for i in range(20)))
        for i in range(20):
            c.read_response().want(200, f"role=web query={ONE}&n={i}\n")


def test_nothing_comes_from_the_host_header(server: Server) -> None:
    for target in ("/boot.ipxe", f"/ipxe?{ONE}", "/nothing", "//ipxe"):
        answer = server.raw(
            f"GET {target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode()
        )
        whole = repr(answer.fields) + answer.text
        check("evil.example" not in whole, f"the Host is in the answer to {target}: {whole}")


# --- signatures ------------------------------------------------------------------------------------

SIGNED = [
    f"/ipxe{{}}?{ONE}",
    f"/grub{{}}?{ONE}",
    f"/ignition{{}}?{ONE}",
    f"/cloud{{}}?{ONE}",
    f"/generic{{}}?{ONE}&x=1",
    f"/metadata{{}}?{ONE}",
    "/boot.ipxe{}",
    "/boot.ipxe.0{}",
]


def test_signatures_are_good(server: Server) -> None:
    for form, content_type in [(".sig", "application/pgp-signature"), (".asc", TEXT)]:
        for target in SIGNED:
            body = server.get(target.format("")).want(200).body
            signature = server.get(target.format(form)).want(200)
            check_equal(signature.header("Content-Type"), content_type, target.format(form))
            check(gpgv(server, body, signature.body), f"gpgv refuses {target.format(form)}")
            check(not gpgv(server, body + b"#", signature.body), "gpgv takes a longer body")
    check(signature.text.startswith("-----BEGIN PGP SIGNATURE-----\n"), "no armor")


def test_a_changed_body_is_refused(server: Server) -> None:
    body = bytearray(server.get(f"/ipxe?{ONE}").body)
    signature = server.get(f"/ipxe.sig?{ONE}").want(200).body
    body[-2] ^= 1
    check(not gpgv(server, bytes(body), signature), "gpgv takes a changed body")
    other = server.get(f"/metadata.sig?{ONE}").want(200).body
    check(not gpgv(server, server.get(f"/ipxe?{ONE}").body, other), "gpgv takes another signature")


def test_gpg_verifies_with_the_imported_key(server: Server) -> None:
    with Scratch() as home:
        home.chmod(0o700)
        (home / "key").write_bytes(server.get("/key.asc").body)
        (home / "body").write_bytes(server.get(f"/generic?{ONE}").body)
        (home / "signature").write_bytes(server.get(f"/generic.asc?{ONE}").body)
        gpg = [
            "gpg",
            "--homedir",
            str(home),
            "--batch",
            "--no-autostart",
            "--trust-model",
            "always",
        ]
        done = gpg_tool(*gpg, "--import", home / "key")
        check(done.returncode == 0, f"gpg --import: {done.stderr.decode()}")
        done = gpg_tool(*gpg, "--verify", home / "signature", home / "body")
        check(done.returncode == 0, f"gpg --verify: {done.stderr.decode()}")
        check(b"Good signature" in done.stderr, done.stderr.decode())


def test_errors_are_never_signed(server: Server) -> None:
    for query, status in [("case=broken", 500), ("case=dangling", 404)]:
        for form in (".sig", ".asc"):
            answer = server.get(f"/generic{form}?{query}").want(status)
            check_equal(answer.header("Content-Type"), TEXT, "Content-Type")
            check("PGP" not in answer.text, f"a signature: {answer.text!r}")
    server.get("/nothing.sig").want(404)
    server.get("/assets/k.sig").want(404)


# --- labels that are given twice -------------------------------------------------------------------


def test_of_repeated_labels_the_first_wins(server: Server) -> None:
    answer = server.get(f"/ipxe?{ONE}&mac=52:54:00:00:00:99").want(200, IPXE)
    check_equal(answer.header("Vesta-Match"), "group=one; revision=1", "Vesta-Match")
    wait_for(lambda: "conflicting-labels" in server.log(), "the conflict in the log")


def test_strict_labels() -> None:
    with serve(SITE, "--strict-labels") as server:
        server.get(f"/ipxe?{ONE}&mac=52:54:00:00:00:99").want(400)
        server.get(f"/ipxe?{ONE}&%6dac=52:54:00:00:00:99").want(400)
        server.get(f"/ipxe?{ONE}&{ONE}").want(200, IPXE)
        server.get(f"/ipxe?{ONE}&x=1&y=1").want(200, IPXE)


# --- the access log --------------------------------------------------------------------------------

PROBE = (
    f"/generic?{ONE}&hostname=a%0alevel%3derror%20event%3Dforged&password={SECRET}-in-a-label"
    "&serial=%1b%5b31m%22%5c&uuid=%e2%80%a8"
)


def probe_log(server: Server) -> list[str]:
    """The lines about requests after a few awkward ones."""
    server.get(PROBE).want(200)
    server.get("/generic?case=broken").want(500)
    server.get("/nothing%0aforged=1").want(404)
    server.api("GET", "/groups").want(200)
    server.api("GET", "/groups", token="wrong-" + SECRET).want(401)
    server.stop()
    log = server.log()
    for secret in (SECRET, server.token):
        check(secret not in log, f"a secret is in the log: {log}")
    check("\x1b" not in log and "\u2028" not in log, f"control characters in the log: {log!r}")
    for line in log.splitlines():
        check(
            re.match(r'(\{"time":")?20\d\d-\d\d-\d\dT[0-9:.]+Z', line), f"a forged line: {line!r}"
        )
    return log.splitlines()


def check_probe_lines(lines: list[dict[str, Any]]) -> None:
    found = [f for f in lines if f["event"] == "request" and f["path"] == "/generic"]
    check_equal([str(f["status"]) for f in found], ["200", "500"], "statuses of the requests")
    good, bad = found
    check_equal(good["method"], "GET", "method")
    check_equal(good["group"], "one", "group")
    check_equal(good["profile"], "full", "profile")
    check_equal(str(good["revision"]), "1", "revision")
    check_equal(good["remote"], "127.0.0.1", "remote")
    check(int(good["bytes"]) > 0, "no bytes")
    check("mac=52:54:00:00:00:01" in good["labels"], f"no MAC in {good['labels']!r}")
    check_equal(bad["level"], "warn", "level of a 500")
    check("missing-key.txt" in bad["reason"], f"no template in the reason {bad['reason']!r}")
    missing = [f for f in lines if f["event"] == "request" and f["path"].startswith("/nothing")]
    check_equal(len(missing), 1, "lines of the 404")


def test_log_in_text() -> None:
    with serve(SITE) as server:
        lines = []
        for line in probe_log(server):
            time, level, event, *fields = shlex.split(line)
            lines.append({"time": time, "level": level, "event": event})
            for name, _, value in (f.partition("=") for f in fields):
                lines[-1][name] = value
        check_probe_lines(lines)


def test_log_in_json() -> None:
    with serve(SITE, "--log-format", "json") as server:
        lines = [json.loads(line) for line in probe_log(server)]
        check_probe_lines(lines)
        found = [f for f in lines if f.get("path") == "/generic"][0]
        check("hostname=a\nlevel=error event=forged" in found["labels"], found["labels"])


def test_log_level() -> None:
    with serve(SITE, "--log-level", "error") as server:
        server.get("/ipxe").want(200)
        server.stop()
        check_equal(server.log(), "", "the log")


# Lines of 1,000 bytes: more than a pipe and the program's own buffers hold.
FLOOD = 7000


def flood_log(server: Server) -> None:
    with server.connect(timeout=20) as c:
        for _ in range(FLOOD):
            c.request("/" + "x" * 900).want(404)


def serve_with_log(folder: Path, log: int) -> Server:
    def redirect() -> None:
        os.dup2(log, 2)

    return Server(folder / "data", limits=redirect)


def test_a_log_that_nobody_reads_stops_no_machine() -> None:
    reader, writer = os.pipe()
    with Scratch() as folder:
        with serve_with_log(folder, writer) as server:
            flood_log(server)
        # Leaving the block has stopped it, with the pipe as full as it was.
    os.close(reader)
    os.close(writer)


def test_lost_log_lines_are_counted() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    log = bytearray()

    def all_told() -> bool:
        try:
            log.extend(os.read(reader, 1 << 20))
        except BlockingIOError:
            pass
        lost = sum(int(n) for n in re.findall(rb"warn log-lost lines=(\d+)\n", log))
        return lost > 0 and lost + log.count(b" status=404 ") == FLOOD

    with Scratch() as folder:
        with serve_with_log(folder, writer) as server:
            flood_log(server)
            wait_for(all_told, "every line to be written or counted as lost")
    os.close(reader)
    os.close(writer)
