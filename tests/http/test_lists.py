"""Lists as programs and people read them: filters, pages while others write, compression."""

import gzip
import json
import threading
from typing import Any, Optional

from vesta import Response, Server, check, check_equal, run, serve

GROUPS = 120
SITE: dict[str, Any] = {
    "profiles/even.json": {"name": "Even ones"},
    "profiles/odd.json": {},
    "generic/text.txt": "text\n",
    "generic/bytes": b"\xff\x00",
    **{
        f"groups/g-{i:03}.json": {
            "profile": "odd" if i % 2 else "even",
            "selector": {"mac": f"52-54-00-00-00-{i:02X}", "rack": str(i % 10)},
        }
        for i in range(GROUPS)
    },
}


def start() -> Server:
    return serve(SITE)


def pages(server: Server, query: str) -> list[str]:
    """The ids of a list of groups, read page by page."""
    ids: list[str] = []
    after = ""
    while True:
        page = server.api("GET", f"/groups?{query}&after={after}").want(200).json()
        ids += [g["id"] for g in page["items"]]
        after = page["next"]
        if not after:
            return ids


def zipped(server: Server, path: str, accept: str = "gzip", etag: Optional[str] = None) -> Response:
    headers = {"Accept-Encoding": accept, **({"If-None-Match": etag} if etag else {})}
    return server.api("GET", path, headers=headers)


def test_labels_choose_groups(server: Server) -> None:
    rack = [f"g-{i:03}" for i in range(GROUPS) if i % 10 == 7]
    check_equal(pages(server, "rack=7&limit=5"), rack, "rack 7")
    check_equal(pages(server, "mac=52:54:00:00:00:1b"), ["g-027"], "a MAC, normalised")
    check_equal(pages(server, "mac=52:54:00:00:00:1b&rack=7"), ["g-027"], "two labels")
    check_equal(pages(server, "mac=52:54:00:00:00:1b&rack=8"), [], "two that none has")
    check_equal(pages(server, "rack=7&profile=even"), [], "label and profile")
    check_equal(pages(server, "rack=7&prefix=g-00"), ["g-007"], "label and prefix")
    server.api("GET", "/groups?mac=nonsense").want(422)


def test_pages_are_stable_while_others_write(server: Server) -> None:
    stop = threading.Event()
    failures: list[str] = []

    def write() -> None:
        """Changes groups all over the list, and makes and deletes some between the others."""
        n = 0
        while not stop.is_set():
            n += 1
            name = f"g-{n % GROUPS:03}x"
            made = server.api(
                "PUT", f"/groups/{name}", {"profile": "odd", "selector": {"n": str(n)}}
            )
            gone = server.api("DELETE", f"/groups/{name}")
            changed = server.api("PATCH", f"/groups/g-{n * 7 % GROUPS:03}", {"name": str(n)})
            if (made.status, gone.status, changed.status) != (201, 204, 200):
                failures.append(f"{made.status} {gone.status} {changed.status}")
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(8):
            ids = pages(server, "limit=7")
            check_equal(ids, sorted(set(ids)), "each once, in order")
            stable = [i for i in ids if not i.endswith("x")]
            check_equal(stable, [f"g-{i:03}" for i in range(GROUPS)], "those that stay")
    finally:
        stop.set()
        writer.join()
    check(not failures, f"the writer: {failures}")


def test_gzip(server: Server) -> None:
    plain = server.api("GET", "/groups?limit=50").want(200)
    small = zipped(server, "/groups?limit=50").want(200)
    check_equal(small.header("Content-Encoding"), "gzip", "Content-Encoding")
    check_equal(gzip.decompress(small.body), plain.body, "what was compressed")
    check(len(small.body) * 3 < len(plain.body), f"{len(small.body)} of {len(plain.body)} bytes")
    for answer in (plain, small):
        check_equal(answer.header("Vary"), "Accept-Encoding", "Vary")
    check_equal(zipped(server, "/groups?limit=50", "gzip;q=0").body, plain.body, "gzip;q=0")
    check(not zipped(server, "/profiles/odd").header("Content-Encoding"), "a small answer")


def test_a_compressed_group_can_be_changed(server: Server) -> None:
    group = {"profile": "odd", "selector": {"big": "1"}, "metadata": {"text": "long " * 1000}}
    server.api("PUT", "/groups/big", group).want(201)
    read = zipped(server, "/groups/big").want(200)
    etag = read.header("ETag") or ""
    check(etag.endswith('-gzip"') and etag.startswith('"'), etag)
    zipped(server, "/groups/big", etag=etag).want(304)
    server.api("PATCH", "/groups/big", {"name": "a"}, headers={"If-Match": etag}).want(200)
    server.api("PATCH", "/groups/big", {"name": "b"}, headers={"If-Match": etag}).want(412)
    zipped(server, "/groups/big", etag=etag).want(200)
    server.api("DELETE", "/groups/big").want(204)


# --- the command -----------------------------------------------------------------------------------


def get(server: Server, *args: str) -> str:
    return run("get", "--data-path", server.data, *args).want(0).out


def test_get_with_labels(server: Server) -> None:
    want = [f"g-{i:03}" for i in range(GROUPS) if i % 10 == 3]
    check_equal(get(server, "groups", "rack=3", "-o", "name").split(), want, "rack 3")
    names = get(server, "groups", "mac=52-54-00-00-00-03", "rack=3", "-o", "name")
    check_equal(names, "g-003\n", "two labels")
    check_equal(get(server, "groups", "rack=3", "--profile", "even", "-o", "name"), "", "none")
    table = get(server, "groups", "--prefix", "g-00", "rack=3").splitlines()
    check_equal(len(table), 2, "lines of the table")
    check(table[0].startswith("GROUP ") and "mac=52:54:00:00:00:03,rack=3" in table[1], table[1])
    check_equal(get(server, "groups", "-q", "rack=3", "--prefix", "g-00"), table[1] + "\n", "-q")


def test_get_in_every_form(server: Server) -> None:
    group = json.loads(get(server, "group", "g-001", "-o", "json"))
    check_equal(group, server.api("GET", "/groups/g-001").want(200).json(), "-o json")
    check("profile: odd\n" in get(server, "group", "g-001", "-o", "yaml"), "-o yaml")
    check_equal(get(server, "group", "g-001", "-o", "name"), "g-001\n", "-o name")
    check_equal(get(server, "template", "generic/text.txt"), "text\n", "a template")
    template = json.loads(get(server, "template", "generic/text.txt", "-o", "json"))
    check_equal(
        template, {"kind": "generic", "name": "text.txt", "content": "text\n"}, "a template's JSON"
    )
    template = json.loads(get(server, "template", "generic/bytes", "-o", "json"))
    check_equal(template["content_b64"], "/wA=", "a template that is no text")
    lines = get(server, "profiles", "-o", "json").splitlines()
    check_equal([json.loads(line)["id"] for line in lines], ["even", "odd"], "a list's JSON")
    yaml = get(server, "profiles", "-o", "yaml")
    check_equal(yaml, "---\nid: even\nname: Even ones\n---\nid: odd\n", "a list's YAML")
    check_equal(
        get(server, "templates", "-o", "name").split(),
        ["generic/bytes", "generic/text.txt"],
        "names of templates",
    )


def test_wrong_usage(server: Server) -> None:
    for args in [
        ("sausages",),
        ("groups", "-o", "xml"),
        ("profiles", "a=b"),
        ("profiles", "--profile", "odd"),
        ("groups", "rack=1", "g-001"),
        ("groups", "limit=3"),
        ("group", "g-001", "--profile", "odd"),
    ]:
        outcome = run("get", "--data-path", server.data, *args).want(2)
        check_equal(outcome.out, "", "stdout")
        check("vesta get: " in outcome.err, outcome.err)
    outcome = run("get", "--data-path", server.data, "groups", "mac=x").want(1)
    check("MAC" in outcome.err, outcome.err)
