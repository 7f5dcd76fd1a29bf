"""Plan and apply, by the command line and by the API, on a real server."""

import base64
import json
from pathlib import Path
from typing import Any

from vesta import (
    Connection,
    Outcome,
    Scratch,
    Server,
    check,
    check_equal,
    request_bytes,
    run,
    sanitized,
    serve,
    wait_for,
    write_site,
)

NDJSON = {"Content-Type": "application/x-ndjson"}
MIB = 1 << 20

SITE: dict[str, Any] = {
    "profiles/p.json": {"boot": {"kernel": "/k"}, "generic_id": "t"},
    "profiles/w.json": {"ignition_id": "w.yaml"},
    "groups/a.json": {"profile": "p", "selector": {"m": "a"}, "metadata": {"role": "x"}},
    "groups/b.json": {"profile": "p", "selector": {"m": "b"}, "metadata": {"role": "y"}},
    "groups/w.json": {"profile": "w", "selector": {"m": "w"}},
    "generic/t": "role={{.role}}\n",
    "ignition/w.yaml": "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n"
    "    - path: /etc/motd\n      contents:\n        local: motd\n",
    "files/motd": b"\xff binary",
}


def start() -> Server:
    return serve()


def command(server: Server, *args: object) -> Outcome:
    return run(args[0], "--data-path", server.data, *args[1:])


def revision(server: Server) -> int:
    items = server.api("GET", "/revisions?limit=1").want(200).json()["items"]
    return int(items[0]["revision"]) if items else 0


def names(server: Server) -> set[str]:
    found = set()
    for collection in ("groups", "profiles", "templates"):
        for x in server.api("GET", f"/{collection}?limit=1000").want(200).json()["items"]:
            found.add(f"{collection}/" + (x["id"] if "id" in x else f"{x['kind']}/{x['name']}"))
    return found


def lines(*resources: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(x).encode() + b"\n" for x in resources)


def group(name: str, profile: str = "p", **more: Any) -> dict[str, Any]:
    return {"group": {"id": name, "profile": profile, "selector": {"m": name}, **more}}


# --- the command line ------------------------------------------------------------------------------


def test_a_site_is_planned_applied_changed_and_pruned() -> None:
    with serve() as server, Scratch() as tmp:
        site = write_site(tmp / "site", SITE)
        out = command(server, "plan", site).want(0).out
        check("add groups/a\n--- /dev/null\n+++ b/groups/a.json\n" in out, out)
        check("3 groups now render a different document:\n" in out, out)
        check("a: generic\n--- /dev/null\n+++ b/a/generic\n@@ -0,0 +1 @@\n+role=x\n" in out, out)
        check("Binary files /dev/null and b/files/motd differ" in out, out)
        check(
            out.endswith(
                "8 to add, 0 to change, 0 to remove, 0 unchanged; planned at revision 0\n"
            ),
            out,
        )
        check_equal(revision(server), 0, "a plan makes no revision")
        command(server, "apply", site, "--message", "all of it").want(0)
        newest = server.api("GET", "/revisions/1").want(200).json()
        check_equal((newest["who"], newest["message"]), ("admin", "all of it"), "revision 1")
        server.get("/generic?m=a").want(200, "role=x\n")
        out = command(server, "apply", site).want(0).out
        check_equal(
            out, "nothing changed: 8 resources are as they should be at revision 1\n", "out"
        )
        write_site(site, {"generic/t": "new {{.role}}\n", "files/motd": "text"})
        (site / "groups" / "b.json").unlink()
        out = command(server, "apply", "--dry-run", site).want(0).out
        check(
            "-role=x\n+new x\n" in out and "-role=y\n+new y\n" in out and "w: ignition" in out, out
        )
        check("0 to add, 2 to change, 0 to remove, 5 unchanged" in out, out)
        out = command(server, "plan", "--prune", site).want(0).out
        check("remove groups/b\n" in out and "new y" not in out, out)
        check_equal(command(server, "apply", "--prune", "-q", site).want(0).out, "", "quiet")
        server.get("/generic?m=b").want(404)
        server.get("/generic?m=a").want(200, "new x\n")
        check_equal(revision(server), 2, "revisions")


def test_what_is_wrong_is_told_with_file_line_and_column(server: Server) -> None:
    before = names(server)
    with Scratch() as tmp:
        site = write_site(tmp / "site", SITE)
        wrong = {
            "groups/bad.json": '{\n  "profile": "nope",\n  "selector": {\n    "mac": "zz"}}',
            "groups/lost.json": '{"selector":{"m":"l"},\n "profile":\n  "nope"}',
            "cloud/t.yaml": "a\n  {{if}}\n",
        }
        write_site(site, wrong)
        err = command(server, "apply", site).want(1).err
        for place in (
            "groups/bad.json:4:12: error: ",
            "groups/lost.json:3:3: error: ",
            "cloud/t.yaml:2:",
        ):
            check(place in err, f"{place}: {err}")
        check("the bundle has 3 errors" in err, err)
        write_site(site, {"groups/bad.json": '{\n "profile": }', "profiles/p.json": "[1]"})
        err = command(server, "plan", site).want(1).err
        check("groups/bad.json:2:13: error: not JSON" in err, err)
        check("profiles/p.json:1:1: error: must be a JSON object" in err, err)
        check("2 errors: nothing was sent" in err, err)
        command(server, "plan", tmp / "nothing").want(1)
        command(server, "plan").want(2)
        command(server, "plan", "--base", "x", site).want(2)
    check_equal(names(server), before, "what is there")


def test_a_bundle_in_a_file_and_outputs(server: Server) -> None:
    with Scratch() as tmp:
        bundle = tmp / "bundle.json"
        bundle.write_text('{"profiles":[{"id":"file"}],\n"message":"by file"}')
        out = command(server, "plan", "-o", "name", bundle).want(0).out
        check_equal(out, "profiles/file\n", "names")
        plan = json.loads(command(server, "plan", "-o", "json", bundle).want(0).out)
        check_equal(plan["summary"]["added"], 1, "added")
        check("action: add" in command(server, "plan", "-o", "yaml", bundle).want(0).out, "yaml")
        command(server, "apply", bundle).want(0)
        newest = server.api("GET", f"/revisions/{revision(server)}").json()
        check_equal(newest["message"], "by file", "the bundle's message")
        more = tmp / "more.ndjson"
        more.write_bytes(
            lines({"profile": {"id": "file", "name": "n"}}, {"profile": {"id": "x y"}})
        )
        err = command(server, "apply", more).want(1).err
        check("more.ndjson:2:" in err and "/profile/id: the id must be" in err, err)


# --- the API ---------------------------------------------------------------------------------------


def test_the_answer_and_its_statuses(server: Server) -> None:
    profile = {"profile": {"id": "api", "boot": {"kernel": "/k"}}}
    template = {"kind": "files", "name": "b", "content_b64": base64.b64encode(b"\0\1").decode()}
    body = lines(profile, group("api", "api"), {"template": template})
    plan = server.api("POST", "/plan", body, NDJSON).want(200)
    answer = server.api("POST", "/apply", body, NDJSON).want(200)
    want = plan.json()
    want["revision"] += 1
    check_equal(answer.json(), want, "the answer to apply")
    check_equal(answer.header("Vesta-Revision"), str(revision(server)), "the header")
    check_equal(server.api("GET", "/templates/files/b").body, b"\0\1", "bytes")
    kinds = {(d["group"], d["kind"]) for d in answer.json()["documents"]}
    check(("api", "ipxe") in kinds and ("api", "metadata") in kinds, f"{kinds}")
    now = revision(server)
    for target, status in [
        ("/apply?base=0", 409),
        (f"/plan?base={now}", 200),
        ("/plan?base=x", 422),
        ("/plan?prune=yes", 422),
        ("/plan?sausage=1", 422),
    ]:
        server.api("POST", target, body, NDJSON).want(status)
    server.api("POST", "/plan", b"{}", {"Content-Type": "text/yaml"}).want(415)
    taken = {"groups": [group("other", "api")["group"] | {"selector": {"m": "api"}}]}
    problem = server.api("POST", "/apply", taken).want(409).json()
    check_equal(problem["findings"][0]["pointer"], "/groups/0/selector", "where")
    check_equal(revision(server), now, "the revision")


def test_roles() -> None:
    with serve() as server:
        body = {"profiles": [{"id": "r"}]}
        token = (
            server.api("POST", "/tokens", {"name": "r", "role": "read"}).want(201).json()["token"]
        )
        server.api("POST", "/plan", body, token=token).want(200)
        server.api("POST", "/apply", body, token=token).want(403)
        server.api("POST", "/plan", body, token="").want(401)
        check_equal(revision(server), 0, "the revision")


def test_a_base_that_moved_loses_nothing(server: Server) -> None:
    server.api("PUT", "/profiles/race", {"name": "first"}).want(201)
    base = server.api("POST", "/plan", {"profiles": [{"id": "race", "name": "mine"}]}).json()[
        "revision"
    ]
    server.api("PUT", "/profiles/race", {"name": "theirs"}).want(200)
    answer = server.api(
        "POST", f"/apply?base={base}", {"profiles": [{"id": "race", "name": "mine"}]}
    )
    answer.want(409)
    check("somebody has changed it meanwhile" in answer.json()["detail"], answer.text)
    check_equal(server.api("GET", "/profiles/race").json()["name"], "theirs", "the name")


def test_every_bad_line_is_told_and_nothing_changes(server: Server) -> None:
    before = (names(server), revision(server))
    good = [json.dumps({"profile": {"id": f"many-{i}"}}).encode() for i in range(3000)]
    bad = {
        700: b'{"group": {"id": "g", "profile": 1}}',
        1500: b"rubbish",
        2999: b'{"profile":{"id":"many-1"}}',
    }
    body = b"\n".join(bad.get(i, x) for i, x in enumerate(good)) + b"\n"
    findings = server.api("POST", "/apply", body, NDJSON).want(422).json()["findings"]
    check_equal({f["line"] for f in findings}, {701, 1501, 3000}, "lines")
    places = {(f["line"], f["pointer"]) for f in findings}
    check((701, "/group/profile") in places and (3000, "/profile/id") in places, f"{places}")
    column = next(f["column"] for f in findings if f["line"] == 701)
    check_equal(column, 34, "the column of a wrong profile")
    check_equal((names(server), revision(server)), before, "what is there")


def test_sizes(server: Server) -> None:
    before = revision(server)
    text = "x" * (2 * MIB - 100)
    template = {"kind": "files", "name": "big", "content": text}
    fits = {"templates": [dict(template, name=f"big-{i}") for i in range(7)]}
    server.api("POST", "/plan", fits).want(200)
    answer = server.api(
        "POST", "/plan", b" " * (16 * MIB + 1), {"Content-Type": "application/json"}
    )
    answer.want(413)
    answer = server.api(
        "POST", "/plan", lines(*({"template": t} for t in fits["templates"])), NDJSON
    )
    check_equal(answer.want(200).json()["summary"]["added"], 7, "added")
    large = {"template": dict(template, content="x" * (2 * MIB + 1))}
    server.api("POST", "/plan", lines(large), NDJSON).want(422)
    check_equal(revision(server), before, "the revision")


def large_bundle(count: int, mark: str) -> bytes:
    filler = "x" * 400
    head = lines({"profile": {"id": "crowd", "boot": {"kernel": "/k"}}})
    return head + b"".join(
        b'{"group":{"id":"c-%06d","profile":"crowd","selector":{"crowd":"%d"},'
        b'"metadata":{"mark":"%s","filler":"%s"}}}\n' % (i, i, mark.encode(), filler.encode())
        for i in range(count)
    )


def test_a_client_that_goes_away_leaves_nothing(server: Server) -> None:
    body = large_bundle(105_000, "left")
    check(len(body) > 50 * MIB, f"{len(body)} bytes")
    before = (names(server), revision(server))
    headers = {"Authorization": f"Bearer {server.token}", **NDJSON}
    with Connection(server.api_port) as c:
        c.send(request_bytes("/api/v1/apply", "POST", headers, body)[: len(body) // 2])

    def deleted() -> int:
        links = Path(f"/proc/{server.pid}/fd").iterdir()
        return sum("(deleted)" in str(p.readlink()) for p in list(links) if p.is_symlink())

    wait_for(lambda: deleted() == 0, "the half of a body to be forgotten")
    check_equal((names(server), revision(server)), before, "what is there")
    left = [p.name for p in server.data.iterdir() if p.name.startswith("body")]
    check_equal(left, [], "files in the data path")


def test_a_large_bundle_in_one_revision() -> None:
    count = 3_000 if sanitized() else 20_000
    with serve() as server:
        body = large_bundle(count, "one")
        answer = server.api("POST", "/apply", body, NDJSON).want(200).json()
        check_equal(answer["summary"]["added"], count + 1, "added")
        check_equal(len(answer["changes"]), count + 1, "all changes are told")
        check_equal(answer["revision"], 1, "the revision")
        server.get(f"/metadata?crowd={count - 1}").want(200)
        change = {"profiles": [{"id": "crowd", "boot": {"kernel": "/other"}}]}
        plan = server.api("POST", "/plan", change).want(200).json()
        check_equal(plan["summary"]["groups"], count, "groups whose documents differ")
        told = len(plan["documents"]) + plan["summary"]["documents_left_out"]
        check_equal(told, plan["summary"]["documents"], "documents that are told or counted")
        check_equal(
            server.api("POST", "/apply", body, NDJSON).want(200).json()["revision"], 1, "again"
        )


def test_groups_swap_their_selectors_in_one_bundle(server: Server) -> None:
    def swapped(one: str, two: str) -> dict[str, Any]:
        return {
            "profiles": [{"id": "swap"}],
            "groups": [
                {"id": "swap-1", "profile": "swap", "selector": {"s": one}},
                {"id": "swap-2", "profile": "swap", "selector": {"s": two}},
            ],
        }

    server.api("POST", "/apply", swapped("1", "2")).want(200)
    server.api("POST", "/apply", swapped("2", "1")).want(200)
    check("swap-2" in (server.get("/metadata?s=1").want(200).header("Vesta-Match") or ""), "match")
    server.api("POST", "/apply", swapped("1", "1")).want(409)
