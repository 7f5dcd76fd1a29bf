"""Keys and signatures: what the tools of the world say to what the real program signs."""

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


# --- OpenPGP -----------------------------------------------------------------------------------------


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :]


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


def test_grub_puts_the_suffix_after_the_query(server: Server) -> None:
    for query in ("mac=52:54:00:00:00:01&serial=SN-0042", "", "a"):
        body = server.get(f"/grub?{query}").want(200)
        signature = server.get(f"/grub?{query}.sig").want(200)
        check_equal(signature.header("Content-Type"), "application/pgp-signature", query)
        check(gpgv(server, body.body, signature.body), f"/grub?{query}.sig")
    # Only GRUB does so: elsewhere it is a label's value.
    check(b".sig" in server.get("/generic?serial=x.sig").want(200).body, "a label was cut")


def test_signatures_answer_head_and_the_same_twice(server: Server) -> None:
    for form in (".sig", ".asc"):
        first = server.get(f"/generic{form}?{QUERY}").want(200)
        check_equal(server.get(f"/generic{form}?{QUERY}").body, first.body, form)
        head = server.get(f"/generic{form}?{QUERY}", method="HEAD").want(200)
        check_equal(head.length, len(first.body), form)
        check_equal(first.header("Vesta-Match"), "group=default; revision=1", form)


def test_what_is_no_document_is_not_signed(server: Server) -> None:
    """Threat 26: nothing is signed but what would be served, and no error."""
    for form in (".sig", ".asc"):
        for target in ("/nothing", "/", "/healthz", "/readyz", "/key.asc", "/assets/k", "/.."):
            answer = server.get(target + form)
            check_equal(answer.status, 404, target + form)
            check(b"PGP" not in answer.body, target)
        answer = server.get(f"/generic{form}?case=broken").want(500)
        check("broken.txt" in answer.text, answer.text)
        server.get(f"/ignition{form}?case=broken").want(404)
        server.get(f"/ipxe{form}{form}").want(404)


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


def test_keys_are_closed_to_others() -> None:
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
