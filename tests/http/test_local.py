"""Commands that only read do without a server, and say what they would say with one."""

from pathlib import Path
from typing import Any

from vesta import Outcome, Scratch, check, check_equal, run, serve, write_site

PUBLIC_URL = "http://boot.example.com:8080"
MAC = "52:54:00:00:00:01"
SITE: dict[str, Any] = {
    "groups/one.json": {
        "profile": "base",
        "selector": {"mac": MAC},
        "metadata": {"host": "one.example.com"},
    },
    "groups/rest.json": {"profile": "base"},
    "groups/broken.json": {"profile": "broken", "selector": {"broken": "1"}},
    "profiles/base.json": {
        "boot": {"kernel": "/assets/k", "args": ["console=ttyS0"]},
        "generic_id": "motd.txt",
        "ignition_id": "one.bu",
    },
    "profiles/broken.json": {"generic_id": "broken.txt"},
    "generic/motd.txt": "{{.host}} {{.request.query.os}}\n",
    "generic/broken.txt": "{{.missing.key.below}}{{index .list 7}}",
    "ignition/one.bu": "variant: fcos\nversion: 1.5.0\n",
    "files/blob": b"\x00\xff\n",
}
READS = f"""
get groups
get profiles
get templates
get groups -o json
get groups -o name
get profiles -o yaml
get groups --profile broken
get groups broken=1
get group one
get profile base -o json
get template generic/motd.txt
get template files/blob -o json
get group nobody
revisions
revisions 1
revisions -o json
revisions diff 1 2
revisions diff 0 -o json
revisions 7
explain mac={MAC} os=installed
explain mac={MAC} -o json
explain broken=1
explain mac=none
render ipxe mac={MAC}
render grub mac={MAC}
render generic mac={MAC} os=x
render ignition mac={MAC}
render generic broken=1
render cloud
token list -o json
"""


COMMANDS = READS.strip().splitlines()


def everything(data: Path) -> list[Outcome]:
    env = {"VESTA_PUBLIC_URL": PUBLIC_URL}
    return [run(*command.split(), "--data-path", data, env=env) for command in COMMANDS]


def test_without_a_server_the_answers_are_the_same() -> None:
    with serve(SITE, "--public-url", PUBLIC_URL) as server:
        server.api("PATCH", "/groups/one", {"metadata": {"rack": "7"}}).want(200)
        with_server = everything(server.data)
        server.stop()
        before = (server.data / "vesta.db").read_bytes()
        without = everything(server.data)
        check_equal((server.data / "vesta.db").read_bytes(), before, "the database")
    for command, want, got in zip(COMMANDS, with_server, without):
        check_equal(got, want, f"vesta {command}")
    good = [w for w in with_server if w.code == 0]
    check(len(good) > 20 and all(w.out for w in good), "the commands have nothing to say")


def test_a_database_that_no_server_ever_had() -> None:
    with Scratch() as scratch:
        data = scratch / "data"
        site = write_site(scratch / "site", SITE)
        run("import", site, "--data-path", data).want(0)
        check_equal(run("get", "groups", "-q", "--data-path", data).want(0).out.count("\n"), 3)
        text = run("render", "generic", f"mac={MAC}", "os=x", "--data-path", data).want(0).out
        check_equal(text, "one.example.com x\n", "the document")
        names = {p.name for p in data.iterdir()} - {"vesta.db", "vesta.db-wal", "vesta.db-shm"}
        check_equal(names, set(), "what reading has made")


def test_what_writes_needs_a_server() -> None:
    with Scratch() as scratch:
        data = scratch / "data"
        run("import", write_site(scratch / "site", SITE), "--data-path", data).want(0)
        for command in ("delete group one", "rollback 1", "token create --name x --role read"):
            done = run(*command.split(), "--data-path", data).want(1)
            check(f"no server runs on {data}" in done.err, done.err)
        run("get", "group", "one", "--data-path", data).want(0)


def test_where_there_is_neither_a_server_nor_a_database() -> None:
    with Scratch() as scratch:
        done = run("get", "groups", "--data-path", scratch / "nothing").want(1)
        check("no server runs on" in done.err and "vesta.db" in done.err, done.err)
        check(not (scratch / "nothing").exists(), "reading has made the data path")


def test_a_server_that_was_named_is_asked_and_no_other() -> None:
    with serve(SITE) as server:
        gone = server.api_url
        server.stop()
        done = run("get", "groups", "--server", gone, "--data-path", server.data).want(1)
        check("cannot ask" in done.err, done.err)
