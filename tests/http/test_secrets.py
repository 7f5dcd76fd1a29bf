"""Threat 27, secrets at rest: what stands under `secret` of a group's metadata reaches the machine
and nobody else: not the database, the API, differences, plans, explain, logs, backups or exports.
"""

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any, Iterator

import vesta
from vesta import Scratch, Server, check, check_equal, run, serve, write_site

WORD, OTHER, TOKEN = "correct-horse-battery", "staple-2-electric", "join-me-a1b2c3d4"
SECRETS = (WORD, OTHER, TOKEN)
METADATA = {"role": "node", "secret": {"password": WORD, "join": {"token": TOKEN, "port": 6443}, "list": [OTHER]}}
GROUP: dict[str, Any] = {"id": "node", "profile": "p", "selector": {"mac": "52:54:00:00:00:01"}, "metadata": METADATA}
BUTANE = """variant: fcos
version: 1.5.0
storage:
  files:
  - path: /etc/token
    contents:
      inline: {{.secret.join.token}}
"""
SITE: dict[str, Any] = {
    "groups/node.json": GROUP,
    "groups/plain.json": {"id": "plain", "profile": "p", "selector": {"os": "x"}, "metadata": {"role": "r"}},
    "profiles/p.json": {"id": "p", "generic_id": "g", "cloud_id": "c", "ignition_id": "i.bu", "boot": {"kernel": "/k"}},
    "generic/g": "{{.role}} {{with get . \"secret\"}}{{.password}} {{index .list 0}} {{.join.port}}{{end}}\n",
    "cloud/c": "#cloud-config\npassword: {{b64enc .secret.password}}\nhost: {{toJson (get .request.query \"host\")}}\n",
    "ignition/i.bu": BUTANE,
}
QUERY = "mac=52:54:00:00:00:01"
GENERIC = f"node {WORD} {OTHER} 6443\n"
ENCODED = [f(w) for w in SECRETS for f in (str, lambda w: base64.b64encode(w.encode()).decode())]


def start() -> Server:
    return serve(SITE, "--log-level", "debug")


def closed(text: str, what: str) -> None:
    for word in ENCODED:
        check(word not in text, f"{what} has {word!r}: {vesta.shorten(text)}")


def group(server: Server, name: str = "node") -> Any:
    return server.api("GET", f"/groups/{name}").want(200).json()


def files_below(path: Path) -> Iterator[Path]:
    return (p for p in path.rglob("*") if p.is_file())


def test_attack_27_machines_get_their_secrets(server: Server) -> None:
    server.get(f"/generic?{QUERY}").want(200, GENERIC)
    cloud = server.get(f"/cloud?{QUERY}").want(200).text
    check(base64.b64encode(WORD.encode()).decode() in cloud, cloud)
    files = server.get(f"/ignition?{QUERY}").want(200).json()["storage"]["files"]
    check_equal(files[0]["contents"]["source"], f"data:,{TOKEN}", "the file")


def test_attack_27_the_list_of_metadata_leaves_them_out(server: Server) -> None:
    text = server.get(f"/metadata?{QUERY}").want(200).text
    closed(text, "/metadata")
    check("SECRET" not in text and "ROLE=node\n" in text, text)
    # A label of that name is no secret.
    check("REQUEST_QUERY_SECRET=x\n" in server.get(f"/metadata?{QUERY}&secret=x").text, "a label")


def test_attack_27_nothing_of_the_api_shows_them(server: Server) -> None:
    secret = group(server)["metadata"]["secret"]
    check_equal(sorted(secret), ["join", "list", "password"], "names of secrets")
    for sealed in secret.values():
        check_equal(list(sealed), ["sealed"], "keys of a sealed secret")
        check(sealed["sealed"].startswith("v1."), str(sealed))
    changed = {**GROUP, "metadata": {**METADATA, "secret": {**METADATA["secret"], "password": "another-word-1"}}}
    bundle = {"groups": [changed], "profiles": [], "templates": []}
    answers = [
        server.api("GET", "/groups"),
        server.api("GET", "/groups/node"),
        server.api("GET", f"/groups?{QUERY}"),
        server.api("GET", "/revisions"),
        server.api("GET", "/revisions/1/diff?to=0"),
        server.api("GET", f"/explain?{QUERY}"),
        server.api("POST", "/plan", bundle),
        server.api("GET", "/profiles/p"),
    ]
    for answer in answers:
        closed(answer.want(200).text, "an answer of the API")
        closed(json.dumps(answer.json()), "an answer of the API")
        check("another-word-1" not in answer.text, answer.text)
    plan = answers[6].json()
    check_equal([(c["resource"], c["action"]) for c in plan["changes"]], [("groups/node", "change")], "changes")
    check("generic" in {d["kind"] for d in plan["documents"]}, f"documents: {plan['documents']}")


def test_attack_27_rendering_is_for_admins(server: Server) -> None:
    check_equal(server.api("GET", f"/render/generic?{QUERY}").want(200).text, GENERIC, "for an admin")
    for role in ("read", "write"):
        token = server.api("POST", "/tokens", {"name": role, "role": role}).want(201).json()["token"]
        for kind in ("generic", "cloud", "ignition"):
            answer = server.api("GET", f"/render/{kind}?{QUERY}", token=token).want(200)
            closed(answer.text, f"/render/{kind} for {role}")
        answer = server.api("GET", f"/render/generic?{QUERY}", token=token)
        check_equal(answer.text, "node hidden-secret hidden-secret 0\n", "with secrets hidden")
        check_equal(server.api("GET", "/render/generic?os=x", token=token).text, "r \n", "without secrets")
    # And what was kept for machines is not what was rendered for a look at it.
    server.get(f"/generic?{QUERY}").want(200, GENERIC)


def test_attack_27_nothing_is_on_disk_or_in_the_log(server: Server) -> None:
    server.get(f"/generic?{QUERY}&x={WORD[:4]}").want(200)
    server.api("PUT", "/groups/node", b'{"profile": "none", "metadata": {"secret": {"a": "' + OTHER.encode() + b'"}}}').want(422)
    server.api("PUT", "/groups/node", b'{"metadata": {"secret": "' + OTHER.encode() + b'"').want(422)
    for path in files_below(server.data):
        content = path.read_bytes()
        for word in ENCODED:
            check(word.encode() not in content, f"{path.name} has {word!r}")
    closed(server.log(), "the log")
    key = server.data / "keys" / "secret.key"
    check_equal((key.stat().st_mode & 0o777, len(base64.b64decode(key.read_text()))), (0o600, 32), "the key")
    with Scratch() as tmp:
        run("backup", "--data-path", server.data, tmp / "b.db").want(0)
        content = (tmp / "b.db").read_bytes()
        check(not any(w.encode() in content for w in ENCODED), "a secret is in the backup")
        check(key.read_bytes().strip() not in content, "the key is in the backup")


def test_attack_27_nothing_else_names_them(server: Server) -> None:
    """Commands: what they print and what they write."""
    with Scratch() as tmp:
        env = {"VESTA_SERVER": server.api_url, "VESTA_TOKEN": server.token}
        for command in (["get", "group", "node"], ["get", "groups"], ["get", "group", "node", "-o", "yaml"],
                        ["explain", QUERY], ["revisions", "diff", "1"]):
            done = run(*command, "--data-path", server.data, env=env)
            closed(done.out + done.err, f"vesta {' '.join(command)}")
        run("export", "--data-path", server.data, tmp / "sealed").want(0)
        for path in files_below(tmp / "sealed"):
            closed(path.read_text(), path.name)
        run("export", "--data-path", server.data, "--reveal", tmp / "open").want(0)
        there = json.loads((tmp / "open" / "groups" / "node.json").read_text())
        check_equal(there["metadata"], METADATA, "revealed metadata")
        check_equal((tmp / "open" / "groups" / "node.json").stat().st_mode & 0o77, 0, "mode for others")


# --- writing ---------------------------------------------------------------------------------------


def test_attack_27_what_was_read_can_be_written_back(server: Server) -> None:
    first = server.api("GET", "/groups/node").want(200)
    again = server.api("PUT", "/groups/node", first.json(), {"If-Match": first.header("ETag") or ""}).want(200)
    check_equal(again.header("ETag"), first.header("ETag"), "ETag of what was written back")
    check_equal(again.header("Vesta-Revision"), first.header("Vesta-Revision"), "revision")
    # And so can what it was made of: the same secret is sealed the same.
    again = server.api("PUT", "/groups/node", GROUP).want(200)
    check_equal(again.header("ETag"), first.header("ETag"), "ETag of the same secrets")
    check_equal(again.header("Vesta-Revision"), first.header("Vesta-Revision"), "revision")
    server.get(f"/generic?{QUERY}").want(200, GENERIC)


def test_attack_27_one_secret_is_changed_beside_others() -> None:
    with serve(SITE) as server:
        before = group(server)["metadata"]["secret"]
        server.api("PATCH", "/groups/node", {"metadata": {"secret": {"password": "new-word"}}}).want(200)
        after = group(server)["metadata"]["secret"]
        check_equal([k for k in before if before[k] != after[k]], ["password"], "what has changed")
        server.get(f"/generic?{QUERY}").want(200, f"node new-word {OTHER} 6443\n")
        # An edit of what was read: one replaced, one removed, the others as they are.
        body = group(server)
        body["metadata"]["secret"]["password"] = WORD
        del body["metadata"]["secret"]["join"]
        server.api("PUT", "/groups/node", {**body, "profile": "p"}).want(422)  # the Butane needs it
        server.api("PATCH", "/groups/node", {"metadata": {"secret": {"join": {"token": "t"}}}}).want(422)
        server.api("PATCH", "/groups/node", {"metadata": {"secret": {"password": WORD}}}).want(200)
        check_equal(group(server)["metadata"]["secret"], before, "the way back")
        server.api("POST", "/revisions/1/rollback", {}).want(200)
        server.get(f"/generic?{QUERY}").want(200, GENERIC)


def test_attack_27_a_sealed_secret_is_of_no_use_elsewhere(server: Server) -> None:
    """Whoever writes groups but may not read secrets cannot have them rendered for another machine."""
    secret = group(server)["metadata"]["secret"]
    stolen = {"profile": "p", "selector": {"thief": "1"}, "metadata": {"role": "r", "secret": secret}}
    problem = server.api("PUT", "/groups/thief", stolen).want(422).json()
    check_equal({f["pointer"] for f in problem["findings"]}, {f"/metadata/secret/{k}" for k in ("join",)}, "findings")
    check("another group" in problem["findings"][0]["message"], str(problem))
    swapped = group(server)
    swapped["metadata"]["secret"]["password"] = secret["join"]
    server.api("PUT", "/groups/node", swapped).want(422)
    broken = group(server)
    text = broken["metadata"]["secret"]["password"]["sealed"]
    for bad in (text[:-8], text[:20] + ("A" if text[20] != "A" else "B") + text[21:], "v1.", "v1.00000000.AAAA"):
        broken["metadata"]["secret"]["password"]["sealed"] = bad
        server.api("PUT", "/groups/node", broken).want(422)
    server.get(f"/generic?{QUERY}").want(200, GENERIC)


def test_attack_27_any_json_is_a_secret() -> None:
    values: list[Any] = ["text", 3, True, [1, {"a": "b"}], {"sealed": "not so"}, {}, [], "", "x" * 10000, "é\n\u2028"]
    with serve(SITE) as server:
        server.api("PUT", "/templates/generic/json", b"{{toJson .secret}}").want(201)
        server.api("PUT", "/profiles/j", {"generic_id": "json"}).want(201)
        for n, v in enumerate([*({"x": v} for v in values), *values, {f"k~{i}/": i for i in range(50)}]):
            body = {"profile": "j", "selector": {"n": str(n)}, "metadata": {"secret": v}}
            answer = server.api("PUT", f"/groups/s{n}", body).want(201)
            got = server.get(f"/generic?n={n}").want(200).json()
            check_equal(got, v, f"secret {n}")
            server.api("PUT", f"/groups/s{n}", answer.json()).want(200)
            check_equal(server.get(f"/generic?n={n}").want(200).json(), v, f"secret {n} written back")


# --- the key ---------------------------------------------------------------------------------------


def test_attack_27_without_the_key() -> None:
    with serve(SITE) as server, Scratch() as tmp:
        key = server.data / "keys" / "secret.key"
        server.stop()
        shutil.move(key, tmp / "secret.key")
        server.start()
        for kind in ("generic", "cloud", "ignition"):
            text = server.get(f"/{kind}?{QUERY}").want(500).text
            for word in ("/metadata/secret/", str(key), "its key is not there", '"node"'):
                check(word in text, f"{word!r} is not in {text!r}")
        # Others, and documents that have no secrets in them, are served.
        server.get("/generic?os=x").want(200, "r \n")
        server.get(f"/ipxe?{QUERY}").want(200)
        server.get(f"/metadata?{QUERY}").want(200)
        server.api("PUT", "/templates/generic/other", b"{{.role}}").want(201)
        check("cannot be opened" in server.api("PUT", "/groups/node", group(server)).want(422).text, "a write")
        shutil.copy(tmp / "secret.key", key)
        server.get(f"/generic?{QUERY}").want(200, GENERIC)
        server.stop()
        # A key that others can read is nobody's secret any more; another key does not fit.
        key.chmod(0o644)
        more = ["--address", "127.0.0.1:0", "--api-address", "127.0.0.1:0", "--data-path", server.data]
        check("chmod 600" in run("serve", *more).want(1).err, "open to others")
        check("chmod 600" in run("export", "--reveal", "--data-path", server.data, tmp / "x").want(1).err, "export")
        key.chmod(0o600)
        key.write_text(base64.b64encode(os.urandom(32)).decode())
        server.start()
        check("another key" in server.get(f"/generic?{QUERY}").want(500).text, "another key")
        key.write_text("no key")
        server.stop()
        server.start()
        check("no key for secrets" in server.get(f"/generic?{QUERY}").want(500).text, "no key at all")


def test_attack_27_an_export_comes_back_only_with_its_key() -> None:
    with serve(SITE) as server, Scratch() as tmp:
        run("export", "--data-path", server.data, tmp / "site").want(0)
        # The same data path.
        run("import", "--data-path", server.data, tmp / "site").want(0)
        check_equal(server.api("GET", "/revisions").want(200).json()["items"][0]["revision"], 1, "revision")
        # Another one: kept and told; and served once the key is there.
        done = run("import", "--data-path", tmp / "data", tmp / "site").want(0)
        check("groups/node.json: " in done.err and "warning: /metadata/secret/join" in done.err.replace(" /", " /", 1), done.err)
        closed(done.err, "the warnings")
        (tmp / "data" / "keys").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(server.data / "keys" / "secret.key", tmp / "data" / "keys")
        with Server(tmp / "data") as second:
            second.get(f"/generic?{QUERY}").want(200, GENERIC)


def test_attack_27_a_dry_run_makes_no_key() -> None:
    with Scratch() as tmp:
        site = write_site(tmp / "site", SITE)
        run("import", "--data-path", tmp / "data", "--dry-run", site).want(0)
        run("import", "--data-path", tmp / "data", site / "..", "--dry-run").want(1)
        check(not (tmp / "data" / "keys").exists(), "a key was made")
        plain = {k: v for k, v in SITE.items() if k not in ("groups/node.json", "ignition/i.bu")}
        plain["profiles/p.json"] = {"id": "p", "generic_id": "g"}
        run("import", "--data-path", tmp / "data", write_site(tmp / "plain", plain)).want(0)
        run("import", "--data-path", tmp / "data", "--dry-run", site).want(0)
        check(not (tmp / "data" / "keys" / "secret.key").exists(), "a dry run made a key")
