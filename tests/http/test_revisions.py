"""History: what changed, diffs that `patch` takes, and the way back; API and commands."""

import json
import subprocess
from pathlib import Path
from typing import Any

from vesta import Scratch, Server, check, check_equal, run, serve, write_site

SITE: dict[str, Any] = {
    "groups/base.json": {"id": "base", "profile": "base"},
    "profiles/base.json": {"id": "base", "generic_id": "base.txt"},
    "generic/base.txt": "one\ntwo\nthree\n",
}


def start() -> Server:
    return serve(SITE)


def vesta(server: Server, *args: object) -> str:
    return run(*args, "--data-path", server.data).want(0).out


def newest(server: Server) -> int:
    return int(vesta(server, "revisions", "--limit", 1, "-o", "name"))


def export(server: Server, to: Path) -> dict[str, bytes]:
    run("export", "--data-path", server.data, to).want(0)
    return {str(p.relative_to(to)): p.read_bytes() for p in to.rglob("*") if p.is_file()}


def test_who_when_and_why(server: Server) -> None:
    first = json.loads(vesta(server, "revisions", 1, "-o", "json"))
    check(first["who"].startswith("cli:"), f"who imported: {first}")
    check_equal(len(first["changes"]), 3, "what the import changed")
    server.api("PUT", "/profiles/p", {"name": "x"}, {"Vesta-Message": "why not"}).want(201)
    n = newest(server)
    shown = vesta(server, "revisions", n)
    check("who       admin" in shown and "message   why not" in shown, shown)
    check("add     profiles/p" in shown, shown)
    listed = vesta(server, "revisions")
    check(listed.splitlines()[1].startswith(f"{n} "), listed)
    check("cli:" in listed.splitlines()[-1], listed)


def test_patch_takes_the_diff(server: Server) -> None:
    with Scratch() as tmp:
        export(server, tmp / "a")
        n = newest(server)
        server.api("PUT", "/templates/generic/base.txt", b"one\n2\nthree").want(200)
        server.api("PUT", "/templates/generic/sub/new.txt", b"new\n").want(201)
        server.api("PUT", "/profiles/more", {"name": "more"}).want(201)
        server.api("PATCH", "/groups/base", {"name": "The base"}).want(200)
        want = export(server, tmp / "b")
        diff = vesta(server, "revisions", "diff", n)
        for directory, reverse in [(tmp / "a", []), (tmp / "b", ["-R"])]:
            done = subprocess.run(
                ["patch", "-p1", "-s", "-F0", *reverse],
                cwd=directory,
                input=diff.encode(),
                capture_output=True,
                check=False,
            )
            check_equal(done.returncode, 0, f"patch: {done.stdout!r} {done.stderr!r}")
        files = [p for p in (tmp / "a").rglob("*") if p.is_file()]
        check_equal({str(p.relative_to(tmp / "a")): p.read_bytes() for p in files}, want, "patched")
        run("rollback", n, "--data-path", server.data).want(0)
        files = [p for p in (tmp / "b").rglob("*") if p.is_file()]
        back = {str(p.relative_to(tmp / "b")): p.read_bytes() for p in files}
        check_equal(export(server, tmp / "c"), back, "rolled back")


def test_machines_get_the_old_config_again(server: Server) -> None:
    before = server.get("/generic").want(200).body
    n = newest(server)
    server.api("PUT", "/templates/generic/base.txt", b"broken config\n").want(200)
    server.get("/generic").want(200, "broken config\n")
    out = vesta(server, "rollback", n, "--message", "it was wrong")
    server.get("/generic").want(200, before)
    check(f"has what revision {n} had" in out, out)
    match = server.get("/generic").header("Vesta-Match") or ""
    check(match.endswith(f"revision={newest(server)}"), match)
    check(f"back to revision {n}: it was wrong" in vesta(server, "revisions"), "the message")


def test_a_reader_may_look_and_not_go_back(server: Server) -> None:
    made = server.api("POST", "/tokens", {"name": "looker", "role": "read"}).want(201).json()
    server.api("GET", "/revisions/1/diff?to=1", token=made["token"]).want(200)
    server.api("POST", "/revisions/1/rollback", token=made["token"]).want(403)


def test_a_revision_that_no_longer_compiles_is_refused() -> None:
    with Scratch() as tmp:
        broken = {**SITE, "ignition/broken.ign": '{"ignition":'}
        site = write_site(tmp / "site", broken)
        with serve(site, skip_invalid=True) as server:
            server.api("PUT", "/templates/ignition/broken.ign", b'{"ignition":{"version":"3.4.0"}}')
            n = newest(server)
            outcome = run("rollback", 1, "--data-path", server.data).want(1)
            check("nothing was changed" in outcome.err, outcome.err)
            check("ignition/broken.ign" in outcome.err, outcome.err)
            check_equal(newest(server), n, "the newest revision")


def test_history_is_kept_as_long_as_told() -> None:
    with serve(SITE, "--keep-revisions", "5") as server:
        for i in range(20):
            server.api("PUT", "/templates/generic/base.txt", f"{i}\n".encode()).want(200)
        kept = vesta(server, "revisions", "-o", "name").split()
        check_equal(kept, ["21", "20", "19", "18", "17"])
        server.api("GET", "/revisions/16/diff").want(200)
        old = server.api("GET", "/revisions/15/diff").want(404).json()["detail"]
        check("no longer kept; the oldest that is known is 16" in old, old)
        vesta(server, "rollback", 16)
        server.get("/generic").want(200, "14\n")


def test_wrong_use_is_told(server: Server) -> None:
    for args in [["x"], ["1", "2"], ["diff"], ["diff", "x"], ["--limit", "0"], ["-o", "xml"]]:
        run("revisions", *args, "--data-path", server.data).want(2)
    run("rollback", "x", "--data-path", server.data).want(2)
    run("rollback", "--data-path", server.data).want(2)
    refused = run("rollback", 9999, "--data-path", server.data).want(1)
    check("no revision 9999" in refused.err, refused.err)
