"""TLS on both planes, with real clients: openssl, curl and Python's ssl."""

import json
import re
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any, Optional

import vesta
from certs import Authority, Pair, openssl
from vesta import Connection, Scratch, Server, check, check_equal, serve, wait_for, write_site

NODE = "O=Example,CN=node-1"
SITE: dict[str, Any] = {
    "groups/base.json": {"id": "base", "profile": "base"},
    "groups/node.json": {
        "id": "node",
        "profile": "node",
        "selector": {"tls_subject": "CN=node-1,O=Example"},
    },
    "groups/other.json": {
        "id": "other",
        "profile": "node",
        "selector": {"os": "x", "tls_subject": "CN=node-1,O=Example"},
    },
    "profiles/base.json": {"id": "base", "generic_id": "base.txt", "ipxe_id": "raw.txt"},
    "profiles/node.json": {"id": "node", "generic_id": "node.txt"},
    "generic/base.txt": "base\n",
    "generic/node.txt": "node\n",
    "ipxe/raw.txt": "#!ipxe\n",
}


class Site:
    """A folder with a CA, an RSA and an ECDSA pair in the files that the server reads."""

    def __init__(self) -> None:
        self.scratch = Scratch()
        self.folder = self.scratch.path
        self.ca = Authority(self.folder / "ca", "Test CA")
        self.clients = Authority(self.folder / "clients", "Client CA")
        self.client_cas = self.folder / "clients.pem"
        self.client_cas.write_bytes(self.clients.file.read_bytes())
        self.pairs = {
            k: Pair(self.folder / f"{k}.pem", self.folder / f"{k}.key") for k in ("rsa", "ecdsa")
        }
        for kind, pair in self.pairs.items():
            self.ca.sign(kind, kind).write(pair.cert, pair.key)

    def flags(self, *kinds: str) -> list[str]:
        flags = ["--tls-address", "127.0.0.1:0"]
        for kind in kinds or ("rsa", "ecdsa"):
            flags += [
                "--tls-cert-file",
                str(self.pairs[kind].cert),
                "--tls-key-file",
                str(self.pairs[kind].key),
            ]
        return flags

    def serve(self, *more: str, client: Optional[Pair] = None) -> Server:
        """A server whose end removes the folder with all."""
        data = self.folder / "data"
        vesta.run("import", "--data-path", data, write_site(self.folder / "site", SITE)).want(0)
        write_site(data / "assets", {"big": bytes(range(256)) * 8192})
        flags = (*self.flags(), *more)
        return Server(data, flags, tls=self.ca.context(client), scratch=self.scratch).start()

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        self.scratch.remove()


COMMON: Site


def start() -> Server:
    global COMMON  # pylint: disable=global-statement
    COMMON = Site()
    return COMMON.serve()


def tls_get(server: Server, target: str, context: ssl.SSLContext) -> vesta.Response:
    with Connection(server.tls_port, tls=context) as c:
        return c.request(target, headers={"Connection": "close"})


def s_client(port: int, *args: str, data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *args],
        input=data,
        capture_output=True,
        timeout=60,
        check=False,
    )


def served(port: int, context: ssl.SSLContext) -> str:
    """The certificate that a new connection gets."""
    with Connection(port, tls=context) as c:
        assert isinstance(c.socket, ssl.SSLSocket)
        return (c.socket.getpeercert(True) or b"").hex()


# --- what is spoken ----------------------------------------------------------------------------------


def test_attack_22_only_tls_1_2_and_1_3(server: Server) -> None:
    for port in (server.tls_port, server.api_port):
        for version, good in (
            ("tls1", False),
            ("tls1_1", False),
            ("tls1_2", True),
            ("tls1_3", True),
        ):
            done = s_client(port, f"-{version}", "-cipher", "ALL:@SECLEVEL=0")
            shaken = b"Verification" in done.stdout and b"Cipher is (NONE)" not in done.stdout
            check_equal(shaken, good, f"{version} on {port}: {done.stdout[-500:]!r}")


def test_attack_22_rsa_and_ecdsa_at_once(server: Server) -> None:
    for port in (server.tls_port, server.api_port):
        for args, key in (
            (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "RSA"),
            (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "RSA"),
            (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "ECDSA"),
            (["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"], "RSA"),
            (["-tls1_3", "-sigalgs", "ecdsa_secp256r1_sha256"], "ECDSA"),
        ):
            done = s_client(port, *args, "-CAfile", str(COMMON.ca.file), "-verify_return_error")
            check_equal(done.returncode, 0, f"{args}: {done.stderr.decode()[-500:]}")
            bits = "2048 bit" if key == "RSA" else "256 bit"
            check(f"Server public key is {bits}" in done.stdout.decode(), f"{args}: not {key}")


def test_attack_22_no_renegotiation_by_clients(server: Server) -> None:
    """openssl's R asks for one; the server must not do it, and may close."""
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{server.tls_port}", "-tls1_2", "-msg"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdin and process.stdout
    seen = b""
    while b"---\nSSL handshake has read" not in seen:
        data = process.stdout.read1(65536)  # type: ignore[attr-defined]
        check(data, f"the handshake failed: {seen[-500:]!r}")
        seen += data
    process.stdin.write(b"R\n")
    process.stdin.flush()
    rest, _ = process.communicate(timeout=60)
    after = rest.split(b"RENEGOTIATING", 1)
    check_equal(len(after), 2, "openssl did not try")
    check(b"ServerHello" not in after[1], f"renegotiated: {after[1][-1000:]!r}")
    tls_get(server, "/", COMMON.ca.context()).want(200, "vesta\n")


def test_sessions_are_resumed(server: Server) -> None:
    for version in ("tls1_2", "tls1_3"):
        with Scratch() as folder:
            session = str(folder / "session")
            request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            first = s_client(
                server.tls_port, f"-{version}", "-sess_out", session, "-quiet", data=request
            )
            check(b"200 OK" in first.stdout, f"{version}: {first.stderr.decode()[-300:]}")
            again = s_client(server.tls_port, f"-{version}", "-sess_in", session)
            check(
                b"\nReused, " in again.stdout, f"{version} is not resumed: {again.stdout[-500:]!r}"
            )


# --- what is served ----------------------------------------------------------------------------------


def test_plain_and_tls_side_by_side(server: Server) -> None:
    context = COMMON.ca.context()
    for target in ("/", "/generic", "/ipxe", "/generic.sig", "/boot.ipxe", "/assets/big"):
        plain, secure = server.get(target), tls_get(server, target, context)
        check_equal((secure.status, secure.body), (plain.status, plain.body), target)
    with Connection(server.tls_port, tls=context) as c:
        for _ in range(50):
            c.request("/generic").want(200, "base\n")
        part = c.request("/assets/big", headers={"Range": "bytes=1000000-1000255"}).want(206)
        check_equal(part.body, (bytes(range(256)) * 8192)[1000000:1000256])
        c.request("/generic", "HEAD").want(200)
        c.request("/generic", "POST", body=b"x" * 1000).want(405)
    curl = subprocess.run(
        [
            "curl",
            "-sS",
            "--cacert",
            str(COMMON.ca.file),
            f"https://127.0.0.1:{server.tls_port}/generic",
        ],
        capture_output=True,
        timeout=60,
        check=False,
    )
    check_equal((curl.returncode, curl.stdout), (0, b"base\n"), f"curl: {curl.stderr.decode()}")


def test_the_api_takes_tls_only(server: Server) -> None:
    with Connection(server.api_port) as c:
        c.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        received = b""
        while not c.at_end():
            received += c.receive()
        check(b"HTTP/1.1" not in received, f"an answer without TLS: {received!r}")
    server.api("GET", "/groups/base").want(200)
    server.api("GET", "/groups", token="").want(401)
    body = json.dumps({"profile": "base", "selector": {"big": "x" * 900000}}).encode()
    server.api("PUT", "/groups/big", body, {"Content-Type": "application/json"}).want(201)
    server.api("DELETE", "/groups/big").want(204)


def test_refusals_before_the_body_come_over_tls_too(server: Server) -> None:
    with Connection(server.api_port, tls=server.tls) as c:
        c.send(b"PUT /api/v1/groups/x HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
        c.read_response().want(401)
    with Connection(server.api_port, tls=server.tls) as c:
        c.send(
            b"PUT /api/v1/groups/x HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n"
            + b"x" * 900000
        )
        c.read_response().want(401)


def test_expiry_is_told(server: Server) -> None:
    with Connection(server.api_port, tls=server.tls) as c:
        text = (
            c.request("/metrics", headers={"Authorization": f"Bearer {server.token}"})
            .want(200)
            .text
        )
    found = re.findall(
        r'^vesta_tls_certificate_expiry_timestamp_seconds\{plane="([a-z-]+)",file="([^"]+)"\} (\d+)$',
        text,
        re.M,
    )
    files = [str(COMMON.pairs[k].cert) for k in ("rsa", "ecdsa")]
    check_equal([f[:2] for f in found], [(p, f) for p in ("boot-tls", "api") for f in files])
    for _, file, at in found:
        end = (
            openssl("x509", "-noout", "-enddate", "-in", file)
            .decode()
            .strip()
            .removeprefix("notAfter=")
        )
        check_equal(int(at), int(ssl.cert_time_to_seconds(end)), f"expiry of {file}")
    wait_for(lambda: server.log().count("tls-certificate-expires") == 2, "warnings of 20 days", 30)
    check("days_left=19" in server.log(), "the days that are left")


# --- changes -----------------------------------------------------------------------------------------


def test_attack_22_certificates_are_changed_while_they_are_served() -> None:
    with Site() as site, site.serve() as server:
        context = site.ca.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        old = served(server.tls_port, context)
        check_equal(old, site.pairs["ecdsa"].fingerprint(), "the first certificate")
        with Connection(server.tls_port, tls=context) as kept:
            kept.request("/").want(200)
            fresh = site.ca.sign("fresh")
            fresh.write(site.pairs["ecdsa"].cert, site.pairs["ecdsa"].key)
            wait_for(
                lambda: served(server.tls_port, context) == fresh.fingerprint(),
                "the new certificate",
                30,
            )
            check_equal(served(server.api_port, context), fresh.fingerprint(), "the API's")
            kept.request("/").want(200)
        again = site.ca.sign("again")
        again.write(site.pairs["ecdsa"].cert, site.pairs["ecdsa"].key)
        hang_up(server)
        wait_for(
            lambda: served(server.tls_port, context) == again.fingerprint(),
            "the newest, at SIGHUP",
            30,
        )
        wait_for(lambda: server.log().count("tls-reloaded") >= 2, "two lines about it", 30)


def hang_up(server: Server) -> None:
    """The files are read again at once."""
    assert server.process
    server.process.send_signal(signal.SIGHUP)


def failure(server: Server, files: dict[Path, bytes], word: str) -> None:
    """Changes files for ones that are no good: the log says so, and what was served is."""
    context = COMMON.ca.context()
    kept = {path: path.read_bytes() for path in files}
    before, told = served(server.tls_port, context), server.log().count("tls-not-reloaded")
    for path, content in files.items():
        path.write_bytes(content)
    hang_up(server)
    try:
        wait_for(lambda: server.log().count("tls-not-reloaded") > told, f"a line about {word}", 30)
        line = [x for x in server.log().splitlines() if "tls-not-reloaded" in x][-1]
        check(word in line and str(COMMON.folder) in line, f"{word}: {line}")
        check_equal(served(server.tls_port, context), before, f"{word}: what is served")
        check_equal(served(server.api_port, context), before, f"{word}: what the API serves")
    finally:
        loaded = server.log().count("tls-reloaded")
        for path, content in kept.items():
            path.write_bytes(content)
        hang_up(server)
        wait_for(
            lambda: server.log().count("tls-reloaded") > loaded,
            "the good ones to be read again",
            30,
        )


def test_attack_22_bad_pairs_keep_the_old_one(server: Server) -> None:
    rsa, ecdsa = COMMON.pairs["rsa"], COMMON.pairs["ecdsa"]
    expired = COMMON.ca.sign("expired", days=-1)
    encrypted = openssl("pkey", "-aes256", "-passout", "pass:x", "-in", ecdsa.key)
    failure(
        server,
        {ecdsa.key: COMMON.ca.sign("stranger").key.read_bytes()},
        "is not that of the certificate",
    )
    failure(
        server,
        {ecdsa.cert: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        "no certificate in PEM",
    )
    failure(server, {rsa.cert: b""}, "no certificate in PEM")
    failure(server, {ecdsa.key: encrypted}, "has a passphrase")
    failure(server, {rsa.key: b"nothing"}, "no private key in PEM")
    failure(
        server,
        {ecdsa.cert: expired.cert.read_bytes(), ecdsa.key: expired.key.read_bytes()},
        "has expired",
    )
    failure(server, {ecdsa.cert: ecdsa.cert.read_bytes()[:300]}, "no certificate in PEM")


def test_attack_22_an_expired_certificate_is_told_at_the_start() -> None:
    with Site() as site:
        site.ca.sign("old", days=-1).write(site.pairs["ecdsa"].cert, site.pairs["ecdsa"].key)
        with serve(SITE, *site.flags("ecdsa"), tls=site.ca.context()) as server:
            wait_for(
                lambda: "error tls-certificate-expired" in server.log(), "an error in the log", 30
            )
            done = s_client(server.tls_port, "-CAfile", str(site.ca.file), "-verify_return_error")
            check(b"certificate has expired" in done.stderr, f"{done.stderr!r}")


def test_what_cannot_be_served_is_told_at_the_start(server: Server) -> None:
    check(server.pid, "the certificates are those of the common server")
    rsa = COMMON.pairs["rsa"]
    cert, key = ["--tls-cert-file", str(rsa.cert)], ["--tls-key-file", str(rsa.key)]
    with Scratch() as folder:
        vesta.run("import", "--data-path", folder, write_site(folder / "site", SITE)).want(0)
        for flags, word in [
            ([*cert], "needs its --tls-key-file"),
            ([*key], "needs its --tls-key-file"),
            ([*cert, *key, *cert], "needs its --tls-key-file"),
            (
                [*cert, "--tls-key-file", str(COMMON.pairs["ecdsa"].key)],
                "is not that of the certificate",
            ),
            ([*cert, "--tls-key-file", "/nonexistent"], "cannot read /nonexistent"),
            (["--tls-address", "127.0.0.1:0"], "--tls-address needs a certificate"),
            (["--tls-ca-file", str(COMMON.client_cas)], "--tls-ca-file needs"),
            ([*cert, *key, "--tls-ca-file", str(rsa.key)], "no CA certificate in PEM"),
            (["--api-address", "0.0.0.0:0"], "send tokens over the network unencrypted"),
        ]:
            done = vesta.run(
                "serve",
                "--data-path",
                folder,
                "--address",
                "127.0.0.1:0",
                "--api-address",
                "127.0.0.1:0",
                *flags,
            )
            check(done.code == 1 and word in done.err, f"{flags}: {done.code} {done.err}")


def test_the_api_may_leave_loopback_with_tls() -> None:
    command = [vesta.BINARY, "serve", "--address", "127.0.0.1:0", "--api-address", "0.0.0.0:0"]
    with Site() as site:
        process = subprocess.Popen(
            [*command, "--data-path", str(site.folder / "data"), *site.flags()],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=vesta.clean_environment(),
        )
        assert process.stdout
        lines = [process.stdout.readline().decode() for _ in range(3)]
        process.terminate()
        check_equal(process.wait(60), 0, "the end")
        process.stdout.close()
        check("API on https://127.0.0.1:" in lines[2], f"{lines}")


# --- clients' certificates -----------------------------------------------------------------------------


def test_attack_22_the_api_asks_for_client_certificates() -> None:
    with Site() as site:
        good = site.clients.sign("operator", usage="clientAuth")
        bad = {
            "The certificate issuer is unknown": Authority(site.folder / "rogue", "Client CA").sign(
                "rogue", usage="clientAuth"
            ),
            "expired": site.clients.sign("old", usage="clientAuth", days=-1),
            "purpose": site.clients.sign("server", usage="serverAuth"),
        }
        with site.serve("--tls-ca-file", str(site.client_cas), client=good) as server:
            server.api("GET", "/groups").want(200)
            wait_for(lambda: "tls_subject" in server.log(), "the subject in the log", 30)
            check("tls_subject=CN=operator" in server.log().replace('"', ""), server.log())
            server.api("GET", "/groups", token="").want(401)
            for path in ("/api/v1/groups", "/healthz", "/metrics", "/nothing"):
                headers = {"Authorization": f"Bearer {server.token}"}
                with Connection(server.api_port, tls=site.ca.context()) as c:
                    answer = c.request(path, headers=headers).want(403)
                    check("needs a client certificate" in answer.json()["detail"], answer.text)
                for word, pair in bad.items():
                    with Connection(server.api_port, tls=site.ca.context(pair)) as c:
                        answer = c.request(path, headers=headers).want(403)
                        check(word in answer.json()["detail"], f"{word}: {answer.text}")
            # The list of CAs is read again, and counts for connections that are open too.
            other = Authority(site.folder / "other", "Other CA")
            theirs = other.sign("theirs", usage="clientAuth")
            with Connection(server.api_port, tls=site.ca.context(good)) as c:
                c.request("/healthz").want(200)
                site.client_cas.write_bytes(other.file.read_bytes())
                wait_for(
                    lambda: c.request("/healthz").status == 403, "the old CA to be forgotten", 30
                )
            with Connection(server.api_port, tls=site.ca.context(theirs)) as c:
                c.request("/healthz").want(200)
            site.client_cas.write_bytes(site.clients.file.read_bytes())
            wait_for(lambda: server.log().count("tls-reloaded") == 2, "the first CA again", 30)


def test_attack_1_a_certificate_says_who_a_machine_is_and_a_query_does_not() -> None:
    with Site() as site:
        node = site.clients.sign("node", usage="clientAuth", subject="/O=Example/CN=node-1")
        rogue = Authority(site.folder / "rogue", "Client CA").sign(
            "node", usage="clientAuth", subject="/O=Example/CN=node-1"
        )
        claim = "tls_subject=CN%3Dnode-1%2CO%3DExample"
        with site.serve(
            "--tls-ca-file",
            str(site.client_cas),
            client=site.clients.sign("me", usage="clientAuth"),
        ) as server:
            anonymous, known, foreign = (site.ca.context(x) for x in (None, node, rogue))
            for context, body in ((anonymous, "base\n"), (known, "node\n"), (foreign, "base\n")):
                for query in (
                    "",
                    f"?{claim}",
                    "?tls_subject=",
                    "?tls_subject=CN%3Dother",
                    "?a=b&z=1",
                ):
                    tls_get(server, f"/generic{query}", context).want(200, body)
            check_equal(
                tls_get(server, "/generic?os=x", known).header("Vesta-Match"),
                "group=other; revision=1",
            )
            server.get(f"/generic?{claim}").want(200, "base\n")
            server.get(f"/generic?{claim}&{claim}x").want(200, "base\n")
            for word in (
                'tls-subject-ignored claimed="CN=node-1,O=Example"',
                "client-certificate-refused",
                'tls_subject="CN=node-1,O=Example"',
            ):
                wait_for(lambda w=word: w in server.log(), f"{word} in the log", 30)  # type: ignore[misc]
            # The operator may ask what such a machine would get.
            answer = server.api("GET", f"/explain?{claim}").want(200).json()
            check_equal(answer["winner"], "node", "the winner that explain shows")
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                resumed(server, site, node, version)


def resumed(server: Server, site: Site, node: Pair, version: ssl.TLSVersion) -> None:
    """A session that is resumed is still that of the certificate it began with."""
    context = site.ca.context(node)
    context.minimum_version = context.maximum_version = version
    session: Optional[ssl.SSLSession] = None
    for turn in range(2):
        raw = socket.create_connection(("127.0.0.1", server.tls_port), timeout=60)
        with context.wrap_socket(raw, server_hostname="127.0.0.1", session=session) as s:
            s.sendall(b"GET /generic HTTP/1.0\r\n\r\n")
            answer = b""
            while data := s.recv(65536):
                answer += data
            check(answer.endswith(b"\r\n\r\nnode\n"), f"{version} turn {turn}: {answer!r}")
            check_equal(s.session_reused, turn == 1, f"{version}: reused")
            session = s.session


def test_without_tls_the_label_is_like_any() -> None:
    with serve(SITE) as server:
        server.get("/generic?tls_subject=CN%3Dnode-1%2CO%3DExample").want(200, "node\n")


# --- the command line --------------------------------------------------------------------------------


def test_commands_find_the_server_and_know_its_key(server: Server) -> None:
    def groups(*flags: object, code: int = 0) -> str:
        done = vesta.run("get", "groups", "-o", "name", *flags).want(code)
        return done.err if code else done.out

    token = server.data / "admin.token"
    url = f"https://127.0.0.1:{server.api_port}"
    check("base" in groups("--data-path", server.data), "by the data path")
    check(
        "base" in groups("--server", url, "--token-file", token, "--ca-file", COMMON.ca.file),
        "by its CA",
    )
    error = groups("--server", url, "--token-file", token, code=1)
    check("--ca-file" in error, error)
    error = groups(
        "--server",
        f"https://localhost:{server.api_port}",
        "--token-file",
        token,
        "--ca-file",
        COMMON.ca.file,
        code=1,
    )
    check("localhost" in error, error)
    check(
        "base"
        in vesta.run(
            "get",
            "groups",
            "--server",
            url,
            "--token-file",
            token,
            env={"VESTA_CA_FILE": str(COMMON.ca.file)},
        )
        .want(0)
        .out,
        "by the environment",
    )
    vesta.run("health", "--server", url, "--ca-file", COMMON.ca.file).want(0)
    # Another server in its place has other keys.
    path = server.data / "server.json"
    kept = path.read_text()
    try:
        path.write_text(re.sub(r"sha256//[^;\"]+", "sha256//" + "A" * 43 + "=", kept))
        error = groups("--data-path", server.data, code=1)
        check("public key" in error, error)
    finally:
        path.write_text(kept)


def test_commands_after_a_change_of_keys_and_with_certificates() -> None:
    with Site() as site:
        me = site.clients.sign("me", usage="clientAuth")
        with site.serve("--tls-ca-file", str(site.client_cas), client=me) as server:
            mine = ["--cert-file", me.cert, "--key-file", me.key]
            vesta.run("get", "groups", "--data-path", server.data, *mine).want(0)
            done = vesta.run("get", "groups", "--data-path", server.data).want(1)
            check("needs a client certificate" in done.err, done.err)
            done = vesta.run(
                "get", "groups", "--data-path", server.data, "--cert-file", me.cert
            ).want(1)
            check("belong together" in done.err, done.err)
            before = (server.data / "server.json").read_text()
            site.ca.sign("fresh").write(site.pairs["ecdsa"].cert, site.pairs["ecdsa"].key)
            wait_for(
                lambda: (server.data / "server.json").read_text() != before,
                "the new keys to be told",
                30,
            )
            vesta.run("get", "groups", "--data-path", server.data, *mine).want(0)


# --- time --------------------------------------------------------------------------------------------


def test_attack_20_slow_handshakes_are_cut(server: Server) -> None:
    """Half a ClientHello, then a byte now and then: the handshake and the head have ten seconds."""
    hello = bytes.fromhex("16030101000100") + b"\0" * 20
    began = time.monotonic()
    slow = [Connection(p) for p in (server.tls_port, server.api_port) for _ in range(20)]
    for c in slow:
        c.send(hello)
        c.socket.settimeout(0.01)
    open_ = set(slow)
    while open_:
        check(time.monotonic() - began < 60, f"{len(open_)} handshakes live on")
        for c in list(open_):
            try:
                c.send(b"\0")
                if not c.receive():
                    open_.remove(c)
            except TimeoutError:
                continue
            except OSError:
                open_.remove(c)
        tls_get(server, "/", COMMON.ca.context()).want(200)
    for c in slow:
        c.socket.close()
    check(time.monotonic() - began > 5, "they were cut before they were slow")
