"""Keys and signatures: what the tools of the world say to what the real program signs."""

import re
import shutil
from pathlib import Path
from typing import Any, Optional

from vesta import (
    ROOT,
    Outcome,
    Scratch,
    Server,
    check,
    check_equal,
    gpg_tool,
    gpgv,
    run,
    serve,
    wait_for,
    write_site,
)

RINGS = ROOT / "tests" / "conformance" / "matchbox"

SITE: dict[str, Any] = {
    "groups/default.json": {"id": "default", "profile": "all", "metadata": {"role": "web"}},
    "groups/broken.json": {"id": "broken", "profile": "broken", "selector": {"case": "broken"}},
    "profiles/all.json": {
        "id": "all",
        "boot": {"kernel": "/assets/k", "initrd": ["/assets/i"], "args": ["a=1"]},
        "ignition_id": "raw.ign",
        "cloud_id": "user.yaml",
        "generic_id": "web.txt",
    },
    "profiles/broken.json": {"id": "broken", "generic_id": "broken.txt"},
    "ignition/raw.ign": '{"ignition":{"version":"3.4.0"}}\r\n',
    "cloud/user.yaml": "#cloud-config\nhostname: {{.role}}\n",
    "generic/web.txt": "role={{.role}} {{.request.raw_query}}\nžluť without an end",
    "generic/broken.txt": "{{.absent}}",
}
QUERY = "mac=52-54-00-00-00-01&x=%20%0d%0a"
DOCUMENTS = [
    f"/ipxe{{}}?{QUERY}",
    f"/grub{{}}?{QUERY}",
    f"/ignition{{}}?{QUERY}",
    f"/cloud{{}}?{QUERY}",
    f"/generic{{}}?{QUERY}",
    f"/metadata{{}}?{QUERY}",
    "/nocloud/mac=52-54-00-00-00-01/meta-data{}",
    "/nocloud/mac=52-54-00-00-00-01/user-data{}",
    "/boot.ipxe{}",
    "/boot.ipxe.0{}",
]


def start() -> Server:
    return serve(SITE, assets={"k": b"kernel", "i": b"initrd"})


def start_fails(data: Path, *flags: str, env: Optional[dict[str, str]] = None) -> Outcome:
    """A server that must not start; what it says."""
    ports = ["--address", "127.0.0.1:0", "--api-address", "127.0.0.1:0"]
    return run("serve", *ports, "--data-path", data, *flags, env=env).want(1)


FORMS = (".sig", ".asc", ".minisig", ".cms")


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]


class Tools:
    """minisign, signify and openssl with the public keys that a server gives."""

    def __init__(self, server: Server):
        self.scratch = Scratch()
        for name in ("key.minisign", "key.pem"):
            self.path(name).write_bytes(server.get("/" + name).want(200).body)

    def __enter__(self) -> "Tools":
        return self

    def __exit__(self, *_: object) -> None:
        self.scratch.remove()

    def path(self, name: str) -> Path:
        return self.scratch.path / name

    def good(self, tool: str, body: bytes, signature: bytes) -> bool:
        """What the real program says."""
        key, f, s = self.path("key.minisign"), self.path("f"), self.path("s")
        f.write_bytes(body)
        s.write_bytes(signature)
        commands: dict[str, list[object]] = {
            "minisign": ["minisign", "-V", "-q", "-p", key, "-x", s, "-m", f],
            "signify": ["signify-openbsd", "-V", "-q", "-p", key, "-x", s, "-m", f],
            "openssl": [
                *["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", s],
                *["-content", f, "-CAfile", self.path("key.pem"), "-purpose", "any"],
                *["-out", self.path("out")],
            ],
        }
        return gpg_tool(*(str(x) for x in commands[tool])).returncode == 0


# --- OpenPGP -----------------------------------------------------------------------------------------


def check_openpgp(server: Server, target: str) -> None:
    body = server.get(target.format("")).want(200).body
    for form in (".sig", ".asc"):
        signature = server.get(target.format(form)).want(200).body
        check(gpgv(server, body, signature), f"gpgv refuses {target.format(form)}")
        changed = flipped(body, len(body) // 2)
        check(not gpgv(server, changed, signature), f"{target}: gpgv takes a changed body")
    # The last byte of a binary signature is one of the signed number.
    signature = server.get(target.format(".sig")).want(200).body
    check(not gpgv(server, body, flipped(signature, len(signature) - 1)), "a changed signature")


def test_gpgv_takes_the_signature_of_every_document(server: Server) -> None:
    for target in DOCUMENTS:
        check_openpgp(server, target)


def test_minisign_signify_and_openssl_take_theirs_of_every_document(server: Server) -> None:
    with Tools(server) as tools:
        for target in DOCUMENTS:
            body = server.get(target.format("")).want(200).body
            for form, tool in ((".minisig", "minisign"), (".minisig", "signify"), (".cms", "openssl")):
                signature = server.get(target.format(form)).want(200).body
                check(tools.good(tool, body, signature), f"{tool} refuses {target.format(form)}")
                changed = flipped(body, len(body) // 2)
                check(not tools.good(tool, changed, signature), f"{tool} takes a changed {target}")
                # In the middle is the signature itself, of .cms it is at the end.
                at = len(signature) - 5 if form == ".cms" else len(signature) // 3
                broken = flipped(signature, at)
                check(not tools.good(tool, body, broken), f"{tool} takes a changed signature")


def test_each_form_has_its_type(server: Server) -> None:
    types = ["application/pgp-signature", "text/plain; charset=utf-8", "text/plain; charset=utf-8"]
    for form, wanted in zip(FORMS, [*types, "application/pkcs7-signature"]):
        answer = server.get(f"/ipxe{form}").want(200)
        check_equal(answer.header("Content-Type"), wanted, form)
    comment = server.get("/ipxe.minisig").text.split("\n")[2]
    check(re.fullmatch(r"trusted comment: timestamp:[0-9]{10}\tfile:ipxe", comment), comment)
    for name in ("/key.asc", "/key.minisign", "/key.pem"):
        check("PRIVATE" not in server.get(name).want(200).text, name)
        server.get(name + ".sig").want(404)


def test_cms_has_the_one_form_that_ipxe_takes(server: Server) -> None:
    with Scratch() as tmp:
        (tmp / "s").write_bytes(server.get("/ipxe.cms").want(200).body)
        shown = gpg_tool("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", tmp / "s")
        text = shown.stdout.decode()
        check("issuerAndSerialNumber" in text and "subjectKeyIdentifier" not in text, text)
        check(re.search(r"signedAttrs:\s+<ABSENT>", text), "it has signed attributes")
        check(re.search(r"eContent: <ABSENT>", text), "the content is inside")
        check_equal(len(re.findall("d.certificate", text)), 2, "certificates: signer and root")


def test_vesta_verify_checks_every_form(server: Server) -> None:
    body = server.get("/ipxe").body
    keys = {".sig": "key.asc", ".asc": "key.asc", ".minisig": "key.minisign", ".cms": "key.pem"}
    with Scratch() as tmp:
        (tmp / "body").write_bytes(body)
        (tmp / "changed").write_bytes(flipped(body, 3))
        for form, key in keys.items():
            (tmp / key).write_bytes(server.get("/" + key).body)
            (tmp / form).write_bytes(server.get("/ipxe" + form).body)
            for how in (["--data-path", server.data], ["--key", tmp / key]):
                good = run("verify", *how, tmp / "body", tmp / form).want(0)
                check("good signature of" in good.out, good.out)
                bad = run("verify", *how, tmp / "changed", tmp / form).want(1)
                check("BAD signature" in bad.err and not bad.out, bad.err)
        with serve(SITE) as other:
            for form, key in keys.items():
                (tmp / key).write_bytes(other.get("/" + key).body)
                refused = run("verify", "--key", tmp / key, tmp / "body", tmp / form).want(1)
                check(re.search("another key|do not lead", refused.err), refused.err)


def test_grub_puts_the_suffix_after_the_query(server: Server) -> None:
    for query in ("mac=52:54:00:00:00:01&serial=SN-0042", "", "a"):
        body = server.get(f"/grub?{query}").want(200)
        signature = server.get(f"/grub?{query}.sig").want(200)
        check_equal(signature.header("Content-Type"), "application/pgp-signature", query)
        check(gpgv(server, body.body, signature.body), f"/grub?{query}.sig")
    # Only GRUB does so: elsewhere it is a label's value.
    check(b".sig" in server.get("/generic?serial=x.sig").want(200).body, "a label was cut")


def test_signatures_answer_head_and_the_same_twice(server: Server) -> None:
    for form in FORMS:
        first = server.get(f"/generic{form}?{QUERY}").want(200)
        check_equal(server.get(f"/generic{form}?{QUERY}").body, first.body, form)
        head = server.get(f"/generic{form}?{QUERY}", method="HEAD").want(200)
        check_equal(head.length, len(first.body), form)
        check_equal(first.header("Vesta-Match"), "group=default; revision=1", form)


def test_attack_26_what_is_no_document_is_not_signed(server: Server) -> None:
    """Threat 26: nothing is signed but what would be served, and no error."""
    for form in FORMS:
        for target in ("/nothing", "/", "/healthz", "/readyz", "/key.asc", "/assets/k", "/.."):
            answer = server.get(target + form)
            check_equal(answer.status, 404, target + form)
            check_equal(answer.body.count(b"\n"), 1, target)
        answer = server.get(f"/generic{form}?case=broken").want(500)
        check("broken.txt" in answer.text, answer.text)
        server.get(f"/ignition{form}?case=broken").want(404)
        server.get(f"/ipxe{form}{form}").want(404)


def test_attack_26_a_signature_is_over_what_is_served_now(server: Server) -> None:
    """Not over bytes of the client's, nor over what another machine would get."""
    own = server.get("/generic?a=1").body
    for query in ("?a=1&a=2", "?a=2", "", "?a=1#x"):
        signature = server.get(f"/generic.sig{query}").body
        check_equal(gpgv(server, own, signature), server.get(f"/generic{query}").body == own, query)
    with server.connect() as c:
        c.request("/generic.sig", "GET", {}, b"sign this").want(200)
        check(not gpgv(server, b"sign this", c.request("/generic.sig").body), "the body was signed")
    # A part of it is not signed as a whole.
    part = server.get("/generic.sig?a=1", {"Range": "bytes=0-3"})
    check(gpgv(server, own, part.body), "a Range changed what is signed")


def test_attack_26_no_secret_key_leaves() -> None:
    with serve(SITE) as server, Scratch() as tmp:
        run("backup", "--data-path", server.data, tmp / "backup.db").want(0)
        run("export", "--data-path", server.data, tmp / "site").want(0)
        secrets = []
        for file in (server.data / "keys").iterdir():
            lines = file.read_text().splitlines()
            at = next(i for i, line in enumerate(lines) if "PRIVATE KEY" in line)
            secrets.append(lines[at + 3].encode())
        check(len(secrets) == 3, f"{len(secrets)} keys")
        given = [f.read_bytes() for f in tmp.rglob("*") if f.is_file()]
        given += [server.get(x).body for x in ("/key.asc", "/key.minisign", "/key.pem")]
        given.append(server.log().encode())
        for secret in secrets:
            check(all(secret not in text for text in given), "a secret key left")


def test_large_documents_are_signed_too() -> None:
    """One that the catalog keeps, and one that is made for each request; the first one twice."""
    site = {
        "groups/kept.json": {"id": "kept", "profile": "kept", "selector": {"c": "kept"}},
        "groups/made.json": {"id": "made", "profile": "made", "selector": {"c": "made"}},
        "profiles/kept.json": {"id": "kept", "generic_id": "kept"},
        "profiles/made.json": {"id": "made", "generic_id": "made"},
        "generic/kept": "x" * 100_000,
        "generic/made": "{{.request.raw_query}}" + "y" * 100_000,
    }
    with serve(site) as server, Tools(server) as tools:
        for case in ("kept", "made", "kept"):
            body = server.get(f"/generic?c={case}").want(200).body
            signatures = {f: server.get(f"/generic{f}?c={case}").want(200).body for f in FORMS}
            check_every_form(server, body, signatures)
            check(not tools.good("openssl", flipped(body, 50_000), signatures[".cms"]), case)
        changed = server.api("PUT", "/templates/generic/kept", b"z" * 100_000,
                             {"Content-Type": "application/octet-stream"})
        check(changed.status in (200, 201), changed.text)
        signature = server.get("/generic.sig?c=kept").body
        check(gpgv(server, b"z" * 100_000, signature), "the new content has an old signature")


# --- matchbox key rings ------------------------------------------------------------------------------


def packets(signature: bytes) -> str:
    with Scratch() as home:
        (home / "s").write_bytes(signature)
        return gpg_tool("gpg", "--homedir", home, "--list-packets", home / "s").stdout.decode()


def check_ring(server: Server, fingerprint: str) -> None:
    with Scratch() as home:
        (home / "k").write_bytes(server.get("/key.asc").want(200).body)
        shown = gpg_tool("gpg", "--homedir", home, "--batch", "--show-keys", home / "k")
        check(fingerprint in shown.stdout.decode(), shown.stdout.decode())
    for target in DOCUMENTS:
        check_openpgp(server, target)
    listed = packets(server.get("/ipxe.sig").want(200).body)
    check("algo 1," in listed and "sigclass 0x01" in listed and "digest algo 8" in listed, listed)


def test_a_matchbox_ring_signs_as_matchbox_does() -> None:
    ring = str(RINGS / "secring.gpg")
    with serve(SITE, "--key-ring-path", ring) as server:
        check_ring(server, "34158D62F563F50E03214D1D74ACC0496C77CEF5")
        if (RINGS / "secring.gpg").stat().st_mode & 0o077:
            check("key-ring-readable-by-others" in server.log(), server.log())


def test_an_encrypted_matchbox_ring_needs_its_passphrase() -> None:
    ring = ["--key-ring-path", str(RINGS / "secring-pass.gpg")]
    with Scratch() as tmp:
        for name, text in [("right", "open sesame\n"), ("wrong", "open sesami\n"), ("empty", "")]:
            (tmp / name).write_text(text)
        missing = start_fails(tmp / "data", *ring)
        check("--passphrase-file or VESTA_PASSPHRASE" in missing.err, missing.err)
        for name in ("wrong", "empty"):
            refused = start_fails(tmp / "data", *ring, "--passphrase-file", str(tmp / name))
            check("the passphrase is wrong" in refused.err, refused.err)
            check("secring-pass.gpg" in refused.err, refused.err)
        for name in ("VESTA_PASSPHRASE", "MATCHBOX_PASSPHRASE"):
            refused = start_fails(tmp / "data", *ring, env={name: "no"})
            check("the passphrase is wrong" in refused.err, refused.err)
        with serve(SITE, *ring, "--passphrase-file", str(tmp / "right")) as server:
            check_ring(server, "2905C911E61F290824B66C3E75CC8D25CC572A8B")


def test_rings_that_cannot_be_used_are_told_by_name() -> None:
    with Scratch() as tmp:
        (tmp / "empty").write_bytes(b"")
        for ring, says in [
            (RINGS / "pubring.gpg", "only a public key"),
            (tmp / "empty", "there is no OpenPGP key here"),
            (tmp / "none", "cannot open"),
        ]:
            refused = start_fails(tmp / "data", "--key-ring-path", str(ring))
            check(says in refused.err and str(ring) in refused.err, refused.err)


# --- the key folder ----------------------------------------------------------------------------------


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def test_attack_26_keys_are_closed_to_others() -> None:
    """Threat 26: a private key has mode 0600, in a folder of 0700, or nothing starts."""
    with serve(SITE) as server:
        server.stop()
        keys = server.data / "keys"
        check_equal(mode(keys), "0o700", "the folder")
        for file in keys.iterdir():
            check_equal(mode(file), "0o600", file.name)
        for path, closed in [(keys, 0o700), *((f, 0o600) for f in sorted(keys.iterdir()))]:
            for bits in (0o040, 0o004, 0o020, 0o002):
                path.chmod(closed | bits)
                refused = start_fails(server.data)
                check(f"{path} can be read or written by others" in refused.err, refused.err)
                check(f"chmod {closed:o} {path}" in refused.err, refused.err)
            path.chmod(closed)
        server.start()


def test_the_key_of_earlier_versions_moves_into_the_folder() -> None:
    with serve(SITE) as server:
        key = server.get("/key.asc").body
        server.stop()
        old = server.data / "signing.key"
        shutil.move(server.data / "keys" / "signing.key", old)
        old.chmod(0o644)
        check("by others" in start_fails(server.data).err, "an old key that others can read")
        old.chmod(0o600)
        server.start()
        check_equal(server.get("/key.asc").body, key, "the key")
        check(not old.exists() and (server.data / "keys" / "signing.key").exists(), "not moved")
        server.stop()
        shutil.copy(server.data / "keys" / "signing.key", old)
        check("two signing keys" in start_fails(server.data).err, "two keys")
        old.unlink()
        server.start()


# --- importing and rotating --------------------------------------------------------------------------


def gpg_key(home: Path, user: str, algorithm: str, passphrase: str) -> bytes:
    """A new secret key as gpg exports it."""
    home.mkdir(mode=0o700, exist_ok=True)
    gpg = ["gpg", "--homedir", home, "--batch", "--pinentry-mode", "loopback"]
    gpg += ["--passphrase", passphrase]
    made = gpg_tool(*gpg, "--quick-generate-key", user, algorithm, "sign", "never")
    check(made.returncode == 0, made.stderr.decode())
    exported = gpg_tool(*gpg, "--export-secret-keys", user)
    check(exported.returncode == 0 and exported.stdout, exported.stderr.decode())
    gpg_tool("gpgconf", "--homedir", home, "--kill", "all")
    return exported.stdout


def test_keys_that_gpg_exports_are_imported() -> None:
    with Scratch() as tmp:
        for algorithm in ("rsa2048", "ed25519"):
            for passphrase in ("", "open sesame"):
                data = tmp / f"key-{algorithm}-{len(passphrase)}"
                (tmp / "key").write_bytes(gpg_key(tmp / "g", data.name, algorithm, passphrase))
                (tmp / "pass").write_text(passphrase + "\n")
                command = ["key", "import", "--data-path", data, tmp / "key"]
                data.mkdir()
                if passphrase:
                    missing = run(*command).want(1)
                    check("give its passphrase" in missing.err, missing.err)
                    wrong = run(*command, env={"VESTA_PASSPHRASE": "no"}).want(1)
                    check("the passphrase is wrong" in wrong.err, wrong.err)
                    check(str(tmp / "key") in wrong.err, wrong.err)
                done = run(*command, "--passphrase-file", tmp / "pass").want(0)
                check("in use" in done.out and data.name in done.out, done.out)
                run("import", "--data-path", data, write_site(tmp / "site", SITE)).want(0)
                with Server(data) as server:
                    check(data.name in shown_keys(server), shown_keys(server))
                    for target in DOCUMENTS[:2]:
                        check_openpgp(server, target)
                    listed = packets(server.get("/ipxe.sig").body)
                    check("sigclass 0x00" in listed, listed)
                again = run(*command, "--passphrase-file", tmp / "pass").want(1)
                check("in use already" in again.err, again.err)


def shown_keys(server: Server) -> str:
    with Scratch() as home:
        (home / "k").write_bytes(server.get("/key.asc").want(200).body)
        return gpg_tool("gpg", "--homedir", home, "--show-keys", home / "k").stdout.decode()


def openssl(*args: object) -> None:
    done = gpg_tool("openssl", *(str(x) for x in args))
    check(done.returncode == 0, done.stderr.decode())


def own_chain(tmp: Path, usage: str) -> Path:
    """A root and a certificate by it, with its key, made by openssl."""
    (tmp / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
    (tmp / "leaf.ext").write_text(f"keyUsage=digitalSignature\nextendedKeyUsage={usage}\n")
    for name in ("root", "leaf"):
        key, request = tmp / f"{name}.key", tmp / f"{name}.req"
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", f"/CN=my {name}",
                "-out", request)
    sign = ["x509", "-req", "-days", "99", "-extfile"]
    openssl(*sign, tmp / "ca.ext", "-in", tmp / "root.req", "-key", tmp / "root.key",
            "-out", tmp / "root.crt")
    openssl(*sign, tmp / "leaf.ext", "-in", tmp / "leaf.req", "-CA", tmp / "root.crt",
            "-CAkey", tmp / "root.key", "-CAcreateserial", "-out", tmp / "leaf.crt")
    parts = ["leaf.key", "leaf.crt", "root.crt"]
    (tmp / "all.pem").write_text("".join((tmp / x).read_text() for x in parts))
    return tmp / "all.pem"


def test_a_chain_of_ones_own_signs() -> None:
    with Scratch() as tmp, serve(SITE) as server:
        server.stop()
        pem = own_chain(tmp, "serverAuth")
        refused = run("key", "import", "--data-path", server.data, pem).want(1)
        check("codeSigning" in refused.err and str(pem) in refused.err, refused.err)
        pem = own_chain(tmp, "codeSigning")
        done = run("key", "import", "--data-path", server.data, pem).want(0)
        check(re.search(r"^cms +in use +[0-9a-f]{64}  my leaf  until 20", done.out), done.out)
        server.start()
        first = server.get("/key.pem").text.split("-----END")[0]
        check((tmp / "root.crt").read_text().startswith(first), "the root is not the first")
        with Tools(server) as tools:
            body, signature = server.get("/ipxe").body, server.get("/ipxe.cms").body
            check(tools.good("openssl", body, signature), "openssl refuses it")


def test_keygen_cms_makes_what_can_be_imported() -> None:
    with Scratch() as tmp, serve(SITE) as server:
        server.stop()
        command = ["keygen", "cms", "--out", tmp / "cms.pem", "--ca", tmp / "ca.pem"]
        run(*command).want(0)
        for name in ("cms.pem", "ca.pem"):
            check_equal(mode(tmp / name), "0o600", name)
        run(*command).want(1)  # there is one
        run("key", "import", "--data-path", server.data, tmp / "cms.pem").want(0)
        server.start()
        with Tools(server) as tools:
            body, signature = server.get("/ipxe").body, server.get("/ipxe.cms").body
            check(tools.good("openssl", body, signature), "openssl refuses it")


def key_lines(data: Path) -> list[list[str]]:
    out = run("key", "list", "--data-path", data).want(0).out
    return [re.split(r" {2,}", line) for line in out.splitlines()]


def test_attack_26_a_next_key_is_published_before_it_is_used() -> None:
    """Threat 26: rotation. What was signed by the old key stays good, what comes is known before."""
    with serve(SITE) as server:
        body = server.get("/ipxe").body
        before = {form: server.get("/ipxe" + form).body for form in FORMS}
        listings = {name: server.get(name).text for name in ("/key.asc", "/key.minisign", "/key.pem")}
        server.stop()
        check_equal([x[:2] for x in key_lines(server.data)], [["ed25519", "in use"], ["cms", "in use"]])
        for kind in ("ed25519", "cms"):
            refused = run("key", "use", kind, "--data-path", server.data).want(1)
            check("there is no next key" in refused.err, refused.err)
            run("key", "next", kind, "--data-path", server.data).want(0)
            again = run("key", "next", kind, "--data-path", server.data).want(1)
            check("there is a next key already" in again.err, again.err)
        server.start()
        for name, listing in listings.items():
            check(len(server.get(name).text) > 1.3 * len(listing), f"{name} has no next key")
        after_next = server.get("/ipxe.sig").want(200).body
        with Scratch() as tmp:
            check(gpgv(server, body, after_next), "the key in use signs")
            (tmp / "old.asc").write_text(listings["/key.asc"])
            (tmp / "body").write_bytes(body)
            (tmp / "sig").write_bytes(after_next)
            run("verify", "--key", tmp / "old.asc", tmp / "body", tmp / "sig").want(0)
        server.stop()
        for kind in ("ed25519", "cms"):
            run("key", "use", kind, "--data-path", server.data).want(0)
        states = [x[:2] for x in key_lines(server.data)]
        want = [[kind, state] for kind in ("ed25519", "cms") for state in ("in use", "old")]
        check_equal(states, want)
        for file in (server.data / "keys").iterdir():
            check_equal(mode(file), "0o600", file.name)
            if ".old-" in file.name:
                check("PRIVATE" not in file.read_text(), f"{file.name} has a secret")
        server.start()
        check(server.get("/ipxe.sig").body != before[".sig"], "the new key signs")
        check_every_form(server, body, {form: server.get("/ipxe" + form).body for form in FORMS})
        old = {form: data for form, data in before.items() if form != ".minisig"}
        check_every_form(server, body, old)
        # minisign takes the first key of a file only, so the old one is found by `vesta verify`.
        with Scratch() as tmp:
            (tmp / "body").write_bytes(body)
            (tmp / "old").write_bytes(before[".minisig"])
            (tmp / "key").write_bytes(server.get("/key.minisign").body)
            run("verify", "--key", tmp / "key", tmp / "body", tmp / "old").want(0)
        check(server.get("/key.pem").text.startswith(listings["/key.pem"].split("-----END")[0]),
              "the authority is the same, so that an iPXE that was built for it goes on")


def check_every_form(server: Server, body: bytes, signatures: dict[str, bytes]) -> None:
    with Tools(server) as tools:
        for form, signature in signatures.items():
            if form in (".sig", ".asc"):
                check(gpgv(server, body, signature), form)
            elif form == ".minisig":
                check(tools.good("minisign", body, signature), form)
            else:
                check(tools.good("openssl", body, signature), form)


# --- limits ------------------------------------------------------------------------------------------


def test_attack_26_slow_signatures_have_a_rate() -> None:
    """Threat 26: a query that varies cannot buy RSA signatures without end."""
    with serve(SITE) as server, server.connect() as c:
        statuses = []
        for n in range(2000):
            answer = c.request(f"/generic.cms?n={n}")
            statuses.append(answer.status)
            if answer.status == 503:
                break
        check_equal(statuses[-1], 503, "the last of 2,000")
        check(len(statuses) > 300, f"only {len(statuses)} before the rate was over")
        check(answer.header("Retry-After") == "1", f"{answer.fields}")
        c.request("/generic?n=x").want(200)
        c.request("/generic.sig?n=x").want(200)  # Ed25519 is quick
        c.request("/generic.cms?n=0").want(200)  # made before
        wait_for(lambda: server.get("/generic.cms?n=later").status == 200, "the rate to recover")


# --- a verified chain for iPXE -----------------------------------------------------------------------

VERIFYING = """#!ipxe
set step Fetching the kernel /assets/k?v=1
kernel --name k /assets/k?v=1 initrd=main a=1 || goto failed
set step Checking the kernel by /assets/k.cms?v=1
imgverify k /assets/k.cms?v=1 || goto failed
set step Fetching the initrd http://192.0.2.1/a/i.img
initrd --name main --timeout 5000 http://192.0.2.1/a/i.img || goto failed
set step Checking the initrd by http://192.0.2.1/a/i.img.cms
imgverify main http://192.0.2.1/a/i.img.cms || goto failed
set step Fetching the initrd /assets/j
initrd --name j /assets/j || goto failed
set step Checking the initrd by /assets/j.cms
imgverify j /assets/j.cms || goto failed
set step Starting the kernel
boot k || goto failed
:failed
echo Vesta: ${step} failed: ${errno}
exit 1
"""
PLAIN = """#!ipxe
kernel /assets/k?v=1 initrd=main a=1
initrd --name main --timeout 5000 http://192.0.2.1/a/i.img
initrd /assets/j
boot
"""


def test_a_script_verifies_what_it_loads_when_it_is_asked_to() -> None:
    boot = {
        "kernel": "/assets/k?v=1",
        "initrd": ["--name main --timeout 5000 http://192.0.2.1/a/i.img", "/assets/j"],
        "args": ["initrd=main", "a=1"],
    }
    site = {
        "groups/d.json": {"id": "d", "profile": "plain"},
        "groups/v.json": {"id": "v", "profile": "always", "selector": {"case": "always"}},
        "profiles/plain.json": {"id": "plain", "boot": boot},
        "profiles/always.json": {"id": "always", "boot": boot, "verify": True},
    }
    with serve(site) as server:
        for _ in range(2):  # the second time from the cache
            server.get("/ipxe").want(200, PLAIN)
            server.get("/ipxe?verify=1").want(200, VERIFYING)
            server.get("/ipxe?verify=0").want(200, PLAIN)
            server.get("/ipxe?case=always").want(200, VERIFYING)
        with Tools(server) as tools:
            signature = server.get("/ipxe.cms?verify=1").want(200).body
            check(tools.good("openssl", VERIFYING.encode(), signature), "openssl refuses it")
        stored = server.api("GET", "/profiles/always").want(200).json()
        check_equal(stored["verify"], True, "the profile as it is stored")
        server.api("PUT", "/profiles/always", {**stored, "verify": "yes"}).want(422)
        server.api("PUT", "/profiles/always", {**stored, "verify": False}).want(200)
        server.get("/ipxe?case=always").want(200, PLAIN)


def test_the_first_script_verifies_the_next_one(server: Server) -> None:
    script = server.get("/boot.ipxe?verify=1").want(200).text
    labels = "?uuid=${uuid}&mac=${mac:hexhyp}&domain=${domain:uristring}"
    check(f"set labels {labels}" in script and "&verify=1\n" in script, script)
    lines = script.splitlines()
    at = lines.index("imgverify next ipxe.cms${labels} || goto failed")
    check_equal(lines[at + 2], "imgexec next || goto failed", "what follows")
    check(at > lines.index("imgfetch --name next ipxe${labels} || goto failed"), script)
    with Tools(server) as tools:
        signature = server.get("/boot.ipxe.cms?verify=1").want(200).body
        check(tools.good("openssl", script.encode(), signature), "openssl refuses it")
    check(server.get("/boot.ipxe").text.startswith("#!ipxe\nchain ipxe?uuid="), "without it")


def test_ipxe_embed_prints_script_and_settings() -> None:
    script = run("ipxe-embed", "--url", "http://192.0.2.9:8080/").want(0).out
    lines = script.splitlines()
    check_equal(lines[0], "#!ipxe", "the magic")
    check("imgtrust --permanent || goto failed" in lines, script)
    for line in ("imgfetch --name boot.ipxe http://192.0.2.9:8080/boot.ipxe?verify=1 || goto failed",
                 "imgverify boot.ipxe http://192.0.2.9:8080/boot.ipxe.cms?verify=1 || goto failed"):
        check(line in lines, script)
    settings = run("ipxe-embed", "--url", "https://192.0.2.9", "--settings").want(0).out
    for part in ("IMAGE_TRUST_CMD", "EMBED=", "TRUST=", "https://192.0.2.9/key.pem"):
        check(part in settings, settings)
    for url in ("192.0.2.9", "http://a b", "ftp://x", "http://x?y"):
        run("ipxe-embed", "--url", url).want(2)


# --- assets ------------------------------------------------------------------------------------------


def check_asset(server: Server, path: str, body: bytes) -> None:
    """Every form over a file, and none over a changed one."""
    with Tools(server) as tools:
        for form, tool in ((".minisig", "minisign"), (".cms", "openssl")):
            signature = server.get(path + form).want(200).body
            check(tools.good(tool, body, signature), f"{tool} refuses {path}{form}")
            check(not tools.good(tool, body + b"x", signature), f"{tool} takes a longer {path}")
    for form in (".sig", ".asc"):
        signature = server.get(path + form).want(200).body
        check(gpgv(server, body, signature), f"gpgv refuses {path}{form}")
        check(not gpgv(server, body + b"x", signature), f"gpgv takes a longer {path}")


def test_assets_are_signed_when_it_is_said() -> None:
    large = bytes(range(256)) * (20 << 12)  # 20 MiB
    files = {"k": b"kernel", "empty": b"", "sub/large.img": large, "own.sig": b"mine", "own": b"x"}
    with serve(SITE, "--sign-assets", assets=files) as server:
        for path in ("/assets/k", "/assets/empty"):
            check_asset(server, path, files[path.removeprefix("/assets/")])
        # Large ones are read in the background, once the file or a signature was asked for.
        first = server.get("/assets/sub/large.img.cms")
        if first.status == 503:
            check_equal(first.header("Retry-After"), "1", "Retry-After")
        wait_for(lambda: server.get("/assets/sub/large.img.cms").status == 200, "a signature")
        check_asset(server, "/assets/sub/large.img", large)
        comment = server.get("/assets/sub/large.img.minisig").text.split("\n")[2]
        check("file:large.img" in comment and comment.endswith("hashed"), comment)
        # A file of that name is itself.
        server.get("/assets/own.sig").want(200, b"mine")
        server.get("/assets/own.asc").want(200)
        # A new content has new signatures.
        before = server.get("/assets/k.cms").body
        check_equal(server.get("/assets/k.cms").body, before, "the second time")
        (server.data / "assets" / "k.new").write_bytes(b"kernel 2")
        (server.data / "assets" / "k.new").rename(server.data / "assets" / "k")
        wait_for(lambda: server.get("/assets/k").body == b"kernel 2", "the new file")
        check_asset(server, "/assets/k", b"kernel 2")
        for path in ("/assets/none.sig", "/assets/sub.sig", "/assets/.sig", "/assets/../x.sig",
                     "/assets/k.sig.sig", "/assets/..%2fvesta.db.sig"):
            check_equal(server.get(path).status, 404, path)


def test_a_large_asset_is_ready_when_it_was_fetched() -> None:
    large = b"initrd" * (4 << 20)
    with serve(SITE, "--sign-assets", assets={"i": large}) as server:
        server.get("/assets/i", {"Range": "bytes=0-0"}).want(206)
        wait_for(lambda: server.get("/assets/i.sig").status == 200, "a signature")
        check_asset(server, "/assets/i", large)
        check(server.memory("VmHWM") < 200 << 20, f"{server.memory('VmHWM')} bytes of memory")


def test_assets_are_not_signed_otherwise(server: Server) -> None:
    for form in FORMS:
        server.get("/assets/k" + form).want(404)
