"""The API on a real server: what is written is what machines get, and what is wrong is refused."""

import json
import re
from typing import Any

from vesta import Connection, Response, Server, check, check_equal, serve, shorten

SITE: dict[str, Any] = {
    "groups/base.json": {"id": "base", "profile": "base"},
    "profiles/base.json": {"id": "base", "generic_id": "base.txt", "boot": {"kernel": "/k"}},
    "generic/base.txt": "base {{.request.raw_query}}\n",
}


def start() -> Server:
    return serve(SITE)


def problem(answer: Response, status: int) -> dict[str, Any]:
    """A problem (RFC 9457) of that status, checked."""
    answer.want(status)
    check_equal(answer.header("Content-Type"), "application/problem+json", "Content-Type")
    p = answer.json()
    check_equal(p["status"], status, "status in the problem")
    check(re.fullmatch(r"urn:vesta:problem:[a-z-]+", p["type"]), f"type {p['type']!r}")
    check(p["title"] and p["detail"], f"a problem without words: {p}")
    for f in p["findings"]:
        check(f["severity"] in ("error", "warning") and f["message"], f"a finding: {f}")
        check("pointer" in f or "file" in f, f"a finding without a place: {f}")
    return p


def errors(answer: Response, status: int = 422) -> dict[str, str]:
    """The findings of a refused write: pointer to message."""
    found = problem(answer, status)["findings"]
    check(found, "no findings")
    return {
        f.get("pointer", f.get("file")): f["message"] for f in found if f["severity"] == "error"
    }


def revision(server: Server) -> str:
    answer = server.api("GET", "/profiles/base").want(200)
    got = server.get("/generic").want(200).header("Vesta-Match") or ""
    check(answer.header("Vesta-Revision"), "no Vesta-Revision")
    return got


# --- what works ------------------------------------------------------------------------------------


def test_group_from_creation_to_deletion(server: Server) -> None:
    body = {"profile": "base", "selector": {"mac": "52-54-00-AA-00-01"}, "metadata": {"n": 1}}
    made = server.api("PUT", "/groups/crud", body).want(201)
    check_equal(made.json()["id"], "crud", "id")
    check_equal(made.json()["selector"], {"mac": "52:54:00:aa:00:01"}, "normalised selector")
    etag = made.header("ETag") or ""
    read = server.api("GET", "/groups/crud").want(200)
    check_equal(read.header("ETag"), etag, "ETag")
    check_equal(read.json(), made.json(), "the group as it is read")
    server.api("GET", "/groups/crud", headers={"If-None-Match": etag}).want(304)
    patched = server.api("PATCH", "/groups/crud", {"metadata": {"n": None, "m": 2}}).want(200)
    check_equal(patched.json()["metadata"], {"m": 2}, "metadata after the patch")
    check(patched.header("ETag") != etag, "the ETag did not change")
    server.api("PUT", "/groups/crud", body).want(200)
    server.api("DELETE", "/groups/crud").want(204)
    problem(server.api("GET", "/groups/crud"), 404)
    problem(server.api("DELETE", "/groups/crud"), 404)


def test_template_bytes_come_back_as_they_were(server: Server) -> None:
    text = b"caf\xe9 \x00 {{.request.raw_query}}\r\n"
    server.api("PUT", "/templates/generic/odd/bytes.txt", text).want(201)
    server.api("GET", "/templates/generic/odd/bytes.txt").want(200, text)
    server.api("PUT", "/templates/generic/odd/bytes.txt", b"").want(200)
    server.api("GET", "/templates/generic/odd/bytes.txt").want(200, b"")
    server.api("DELETE", "/templates/generic/odd/bytes.txt").want(204)


def test_a_write_is_answered_at_once(server: Server) -> None:
    selector = {"case": "at-once"}
    server.api("PUT", "/templates/generic/now.txt", b"v0").want(201)
    server.api("PUT", "/profiles/now", {"generic_id": "now.txt"}).want(201)
    server.api("PUT", "/groups/now", {"profile": "now", "selector": selector}).want(201)
    for n in range(1, 30):
        server.api("PUT", "/templates/generic/now.txt", f"v{n}".encode()).want(200)
        server.get("/generic?case=at-once").want(200, f"v{n}")
    server.api("PATCH", "/groups/now", {"selector": {"case": "moved"}}).want(200)
    server.get("/generic?case=moved").want(200, "v29")
    server.get("/generic?case=at-once").want(200, "base case=at-once\n")
    server.api("DELETE", "/groups/now").want(204)
    server.get("/generic?case=moved").want(200, "base case=moved\n")


def test_revisions_count_writes(server: Server) -> None:
    before = revision(server)
    put = server.api("PUT", "/templates/generic/counted.txt", b"x").want(201)
    number = put.header("Vesta-Revision")
    check_equal(revision(server), f"group=base; revision={number}", "Vesta-Match")
    check(before != revision(server), "the revision did not move")


def test_lists_go_page_by_page(server: Server) -> None:
    names = [f"page-{n:02}" for n in range(25)]
    for name in names:
        server.api("PUT", f"/groups/{name}", {"profile": "base", "selector": {"n": name}}).want(201)
    seen, after = [], ""
    for _ in range(10):
        query = "?prefix=page-&limit=10" + (f"&after={after}" if after else "")
        page = server.api("GET", "/groups" + query).want(200).json()
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if not after:
            break
    check_equal(seen, names, "the groups of all pages")


def test_conditions(server: Server) -> None:
    path = "/groups/conditions"
    body: dict[str, Any] = {"profile": "base", "selector": {"case": "conditions"}}
    problem(server.api("PUT", path, body, {"If-Match": '"x"'}), 412)
    etag = server.api("PUT", path, body, {"If-None-Match": "*"}).want(201).header("ETag") or ""
    problem(server.api("PUT", path, body, {"If-None-Match": "*"}), 412)
    changed = {**body, "name": "changed"}
    server.api("PUT", path, changed, {"If-Match": etag}).want(200)
    problem(server.api("PUT", path, {**body, "name": "lost"}, {"If-Match": etag}), 412)
    problem(server.api("DELETE", path, headers={"If-Match": etag}), 412)
    check_equal(server.api("GET", path).json()["name"], "changed", "name")
    server.api("DELETE", path).want(204)


def test_bodies_in_chunks_and_after_a_100(server: Server) -> None:
    head = (
        "PUT /api/v1/templates/generic/chunks.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"Authorization: Bearer {server.token}\r\n"
    ).encode()
    with Connection(server.api_port) as c:
        c.send(head + b"Transfer-Encoding: chunked\r\n\r\n4;x=y\r\none \r\n3\r\ntwo\r\n0\r\n\r\n")
        c.read_response().want(201)
    server.api("GET", "/templates/generic/chunks.txt").want(200, "one two")
    with Connection(server.api_port) as c:
        c.send(head + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        interim = b""
        while b"\r\n\r\n" not in interim:
            interim += c.receive()
        check_equal(interim, b"HTTP/1.1 100 Continue\r\n\r\n", "the interim response")
        c.send(b"three")
        c.read_response().want(200)
    server.api("GET", "/templates/generic/chunks.txt").want(200, "three")
    with Connection(server.api_port) as c:
        c.send(head + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n")
        check(c.read_head().status >= 400, "a chunk of 2^84 bytes is taken")
    server.api("DELETE", "/templates/generic/chunks.txt").want(204)


def test_content_types(server: Server) -> None:
    body = b'{"profile":"base","selector":{"case":"types"}}'
    for content_type, status in [
        ("application/json", 201),
        ("application/json; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/merge-patch+json", 415),
    ]:
        answer = server.api("PUT", "/groups/types", body, {"Content-Type": content_type})
        check_equal(answer.status, status, content_type)
    merge = {"Content-Type": "application/merge-patch+json"}
    server.api("PATCH", "/groups/types", b'{"name":"patched"}', merge).want(200)
    server.api("DELETE", "/groups/types").want(204)


def test_idle_api_connections_do_not_hinder_machines(server: Server) -> None:
    idle = [Connection(server.api_port) for _ in range(300)]
    server.get("/generic").want(200)
    for c in idle:
        c.socket.close()
    server.api("GET", "/groups").want(200)


def test_what_needs_no_token(server: Server) -> None:
    with Connection(server.api_port) as c:
        c.request("/healthz").want(200)
        c.request("/readyz").want(200)
        spec = c.request("/api/v1/openapi.json").want(200).json()
        check(spec["openapi"].startswith("3."), f"openapi {spec['openapi']!r}")


def test_a_write_tells_what_should_be_looked_at(server: Server) -> None:
    body = '#cloud-config\nruncmmd: []\n"größe😀": 1\n'.encode()
    answer = server.api("PUT", "/templates/cloud/odd.yaml", body).want(201)
    header = answer.header("Vesta-Findings") or ""
    check(header.isascii() and header.isprintable(), f"the header is {header!r}")
    found = [(f["severity"], f["line"], f["message"]) for f in json.loads(header)]
    check_equal([f[:2] for f in found], [("warning", 2), ("warning", 3)], "findings")
    check("runcmmd" in found[0][2] and "größe😀" in found[1][2], f"messages: {found}")
    many = "#cloud-config\n" + "".join(f"unknown{i}: 1\n" for i in range(200))
    answer = server.api("PUT", "/templates/cloud/odd.yaml", many.encode()).want(200)
    found = json.loads(answer.header("Vesta-Findings") or "")
    check(len(answer.header("Vesta-Findings") or "") <= 2048, "the header is too long")
    check_equal(found[-1]["message"], f"and {200 - len(found) + 1} more", "the last finding")
    junk = {"profile": "base", "selector": {"uuid": "00000000-0000-0000-0000-000000000000"}}
    answer = server.api("PUT", "/groups/junk", junk).want(201)
    found = json.loads(answer.header("Vesta-Findings") or "")
    check_equal([f["pointer"] for f in found], ["/selector/uuid"], "pointers")
    answer = server.api("PATCH", "/groups/junk", {"selector": {"uuid": None, "a": "junk"}}).want(
        200
    )
    check_equal(answer.header("Vesta-Findings"), None, "of what is good")
    server.api("DELETE", "/groups/junk").want(204)
    server.api("DELETE", "/templates/cloud/odd.yaml").want(204)


# --- what is refused -------------------------------------------------------------------------------


def test_group_with_an_invalid_mac(server: Server) -> None:
    body = {"profile": "base", "selector": {"mac": "52:54:00:zz:00:01"}}
    found = errors(server.api("PUT", "/groups/refused", body))
    check("MAC" in found["/selector/mac"], f"findings: {found}")
    problem(server.api("GET", "/groups/refused"), 404)


def test_group_without_a_profile(server: Server) -> None:
    found = errors(server.api("PUT", "/groups/refused", {"selector": {"a": "b"}}))
    check("profile" in found["/profile"], f"findings: {found}")


def test_group_with_a_missing_profile(server: Server) -> None:
    body = {"profile": "nowhere", "selector": {"a": "b"}}
    found = errors(server.api("PUT", "/groups/refused", body))
    check("nowhere" in found["/profile"], f"findings: {found}")


def test_profile_with_a_missing_template(server: Server) -> None:
    body = {"generic_id": "nowhere.txt", "cloud_id": "neither.yaml"}
    found = errors(server.api("PUT", "/profiles/refused", body))
    check_equal(set(found), {"/generic_id", "/cloud_id"}, "pointers of the findings")


def test_every_finding_is_told(server: Server) -> None:
    body = {"id": "other", "profile": 3, "selector": {"a": 1, "mac": "x"}, "metadata": []}
    found = errors(server.api("PUT", "/groups/refused", body))
    want = {"/id", "/profile", "/selector/a", "/selector/mac", "/metadata"}
    check(want <= set(found), f"findings are missing: {want - set(found)}")


def test_a_reference_that_dangles_is_told_with_the_rest(server: Server) -> None:
    group = {"profile": "nowhere", "selector": {"mac": "x"}}
    answer = server.api("PUT", "/groups/refused", group)
    check_equal(set(errors(answer)), {"/profile", "/selector/mac"}, "pointers of the findings")
    check_equal(answer.json()["detail"], "group refused is not valid: 2 findings", "detail")
    found = errors(server.api("PATCH", "/groups/base", group))
    check_equal(set(found), {"/profile", "/selector/mac"}, "pointers of the findings")
    profile = {"boot": 1, "generic_id": "nowhere.txt", "cloud_id": "a b", "ipxe_id": "neither"}
    found = errors(server.api("PUT", "/profiles/refused", profile))
    want = {"/boot", "/generic_id", "/cloud_id", "/ipxe_id"}
    check_equal(set(found), want, "pointers of the findings")
    found = errors(server.api("PUT", "/groups/refused", {"profile": "base", "x": 1}))
    check_equal(set(found), {"/x"}, "pointers of the findings")


def test_group_with_taken_selectors(server: Server) -> None:
    first = {"profile": "base", "selector": {"mac": "52:54:00:bb:00:01", "os": "installed"}}
    second = {"profile": "base", "selector": {"os": "installed", "mac": "52-54-00-BB-00-01"}}
    server.api("PUT", "/groups/first", first).want(201)
    p = problem(server.api("PUT", "/groups/second", second), 409)
    check("first" in p["detail"], f"the other group is not named: {p['detail']!r}")
    problem(server.api("PUT", "/groups/second", {"profile": "base"}), 409)
    server.api("PUT", "/groups/first", {**first, "name": "again"}).want(200)


def test_template_that_does_not_parse(server: Server) -> None:
    answer = server.api(
        "PUT", "/templates/generic/refused.txt", b"one\ntwo\n  {{if .x}}\n{{.y-z}}\n"
    )
    place = [(f.get("line"), f.get("column")) for f in problem(answer, 422)["findings"]]
    check(len(place) == 1 and place[0][0] == 4 and place[0][1], f"line and column: {place}")
    problem(server.api("GET", "/templates/generic/refused.txt"), 404)
    problem(server.api("PUT", "/templates/ignition/refused.ign", b'{"ignition":'), 422)


def test_a_refused_write_changes_nothing(server: Server) -> None:
    server.api("PUT", "/templates/generic/kept.txt", b"good").want(201)
    before = revision(server)
    problem(server.api("PUT", "/templates/generic/kept.txt", b"{{bad"), 422)
    problem(server.api("PATCH", "/profiles/base", {"generic_id": "nowhere.txt"}), 422)
    problem(server.api("PATCH", "/groups/base", {"profile": None}), 422)
    server.api("GET", "/templates/generic/kept.txt").want(200, "good")
    check_equal(revision(server), before, "the revision")


def test_body_that_is_not_json(server: Server) -> None:
    for body in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"profile":"base"} trailing',
        b'{"profile":"base","profile":"base"}',
        b'{"profile":"base","metadata":{"a":1,"a":2}}',
        b'{"profile":"base","name":"\xff"}',
        b'\xef\xbb\xbf{"profile":"base"}',
        b'{"profile":"base","metadata":{"a":NaN}}',
    ):
        answer = server.api("PUT", "/groups/refused", body, {"Content-Type": "application/json"})
        check_equal(answer.status, 422, f"status for {shorten(body, 60)}")
        check(problem(answer, 422)["findings"], f"no findings for {shorten(body, 60)}")
    problem(server.api("GET", "/groups/refused"), 404)


def test_json_that_is_too_deep_or_has_too_many_values(server: Server) -> None:
    for body in (
        b"[" * 100000,
        b'{"profile":"base","metadata":' + b'{"a":' * 1000 + b"1" + b"}" * 1001,
        b'{"profile":"base","metadata":{"a":[' + b"1," * 250000 + b"1]}}",
    ):
        answer = server.api("PUT", "/groups/refused", body, {"Content-Type": "application/json"})
        check_equal(answer.status, 413, f"status for {shorten(body, 60)}")
        problem(answer, 413)


def test_unknown_and_misspelled_keys(server: Server) -> None:
    found = errors(
        server.api("PUT", "/groups/refused", {"profile": "base", "Selector": {}, "x": 1})
    )
    check_equal(set(found), {"/Selector", "/x"}, "pointers of the findings")


def test_body_over_the_limit(server: Server) -> None:
    mib = 1 << 20
    server.api("PUT", "/templates/generic/large.txt", b"x" * (2 * mib)).want(201)
    server.get("/generic").want(200)
    answer = server.api("PUT", "/templates/generic/large.txt", b"x" * (2 * mib + 1))
    check_equal(answer.status, 413, "status for a template of 2 MiB and a byte")
    body = json.dumps({"profile": "base", "name": "x" * mib}).encode()
    problem(server.api("PUT", "/groups/refused", body, {"Content-Type": "application/json"}), 413)
    server.api("DELETE", "/templates/generic/large.txt").want(204)


def test_names_that_cannot_be(server: Server) -> None:
    for path in ("/groups/a%20b", "/groups/%2e%2e", "/groups/a%00", "/groups/" + "x" * 129):
        check_equal(server.api("PUT", path, {"profile": "base"}).status, 422, path)
    for path in ("/templates/generic/a//b", "/templates/generic/a/../b", "/templates/generic/"):
        check_equal(server.api("PUT", path, b"x").status, 422, path)
    check_equal(server.api("PUT", "/templates/unknown/x", b"x").status, 404, "an unknown kind")


def test_unknown_paths_and_methods(server: Server) -> None:
    for path in ("/", "/nothing", "/groups/", "/groups/a/b", "/group/base"):
        check_equal(server.api("GET", path).status in (404, 422), True, f"GET {path}")
    answer = server.api("POST", "/groups", {})
    problem(answer, 405)
    check_equal(answer.header("Allow"), "GET, HEAD", "Allow")
    answer = server.api("POST", "/groups/base", {})
    problem(answer, 405)
    check_equal(answer.header("Allow"), "GET, HEAD, PUT, PATCH, DELETE", "Allow")
    check_equal(server.api("HEAD", "/groups/base").status, 200, "HEAD")


def test_used_resources_stay(server: Server) -> None:
    p = problem(server.api("DELETE", "/profiles/base"), 409)
    check("base" in p["detail"], f"the user is not named: {p['detail']!r}")
    p = problem(server.api("DELETE", "/templates/generic/base.txt"), 409)
    check("base" in p["detail"], f"the user is not named: {p['detail']!r}")
    server.get("/generic").want(200)


# --- tokens ----------------------------------------------------------------------------------------


def routes(server: Server) -> list[tuple[str, str]]:
    """Method and path of everything that the API's own description lists as not public."""
    with Connection(server.api_port) as c:
        spec = c.request("/api/v1/openapi.json").want(200).json()
    found = []
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if (
                method in METHODS
                and operation.get("security") != []
                and path.startswith("/api/v1/")
            ):
                path = re.sub(r"{kind}", "generic", path)
                found.append((method.upper(), re.sub(r"{[^}]*}", "base", path)))
    check(len(found) >= 15, f"the description lists too little: {found}")
    return [(method, path.removeprefix("/api/v1")) for method, path in found]


METHODS = {"get", "put", "post", "patch", "delete"}
UNKNOWN = [
    ("GET", "/nothing"),
    ("BREW", "/groups"),
    ("POST", "/groups/base"),
    ("PUT", "/groups/x/y"),
]


def test_nothing_without_a_token(server: Server) -> None:
    before = revision(server)
    wrong: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer " + server.token[:-1]},
        {"Authorization": "Bearer " + server.token + "x"},
        {"Authorization": "Bearer " + server.token.upper()},
        {"Authorization": "Basic " + server.token},
        {"Authorization": server.token},
        {"Cookie": "token=" + server.token},
    ]
    for method, path in routes(server) + UNKNOWN:
        body = {"profile": "base"} if method in ("PUT", "PATCH", "POST") else None
        for headers in wrong if path == "/groups" else wrong[:3]:
            answer = server.api(method, path, body, headers, token="")
            check_equal(answer.status, 401, f"{method} {path} with {list(headers)}")
            problem(answer, 401)
            check_equal(answer.header("WWW-Authenticate"), "Bearer", "WWW-Authenticate")
    server.api("GET", f"/groups?token={server.token}", token="").want(401)
    check_equal(revision(server), before, "the revision")


def test_token_file_is_for_its_owner_only(server: Server) -> None:
    for name in ("admin.token", "keys/signing.key"):
        mode = (server.data / name).stat().st_mode & 0o777
        check_equal(oct(mode), oct(0o600), f"mode of {name}")
    database = (server.data / "vesta.db").read_bytes() + (server.data / "vesta.db-wal").read_bytes()
    check(server.token.encode() not in database, "the token itself is in the database")
