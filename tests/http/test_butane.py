"""Butane and Ignition through the whole service: translated at save, refused with the machines it would leave
without a config, served in the version that the author chose."""

import json

import vesta

HEAD = "variant: fcos\nversion: 1.5.0\n"
SITE = {
    "profiles/p.json": {"ignition_id": "c.yaml"},
    "profiles/r.json": {"ignition_id": "r.yaml"},
    "profiles/local.json": {"ignition_id": "local.yaml"},
    "groups/a.json": {
        "profile": "p",
        "selector": {"mac": "52:54:00:00:00:01"},
        "metadata": {"path": "/etc/a"},
    },
    "groups/b.json": {
        "profile": "p",
        "selector": {"mac": "52:54:00:00:00:02"},
        "metadata": {"path": "/etc/b"},
    },
    "groups/r.json": {"profile": "r", "selector": {"x": "r"}},
    "groups/local.json": {"profile": "local", "selector": {"x": "local"}},
    "ignition/c.yaml": HEAD
    + "storage:\n  files:\n  - path: {{.path}}\n    contents: {inline: hi}\n",
    "ignition/r.yaml": HEAD
    + "storage:\n  files:\n  - path: /etc/m\n    contents: {inline: {{toJson .request.query.x}}}\n",
    "ignition/local.yaml": HEAD
    + "storage:\n  files:\n  - path: /etc/l\n    contents: {local: sub/one.txt}\n  trees:\n  - local: sub\n    path: /opt\n",
    "files/sub/one.txt": "one",
    "files/sub/deep/two.txt": "two",
}


def start() -> vesta.Server:
    return vesta.serve(SITE)


def config(server: vesta.Server, query: str) -> dict:
    answer = server.get(f"/ignition?{query}").want(200)
    vesta.check_equal(answer.header("Content-Type"), "application/json")
    return json.loads(answer.text)


def test_the_target_version_of_the_variant(server: vesta.Server) -> None:
    got = config(server, "mac=52:54:00:00:00:01")
    vesta.check_equal(got["ignition"]["version"], "3.4.0")
    vesta.check_equal(got["storage"]["files"][0]["path"], "/etc/a")


def test_the_request_is_taken(server: vesta.Server) -> None:
    got = config(server, "x=r")
    vesta.check_equal(got["storage"]["files"][0]["contents"]["source"], "data:,r")


def test_local_files_and_trees(server: vesta.Server) -> None:
    got = config(server, "x=local")
    paths = {f["path"]: f["contents"]["source"] for f in got["storage"]["files"]}
    vesta.check_equal(
        paths,
        {"/etc/l": "data:,one", "/opt/one.txt": "data:,one", "/opt/deep/two.txt": "data:,two"},
    )
    server.api("PUT", "/templates/files/sub/one.txt", b"changed").want(200)
    got = config(server, "x=local")
    vesta.check_equal(got["storage"]["files"][0]["contents"]["source"], "data:,changed")


def test_a_template_that_breaks_machines_is_refused(server: vesta.Server) -> None:
    bad = (HEAD + "storage:\n  files:\n  - path: relative{{.path}}\n").encode()
    problem = server.api("PUT", "/templates/ignition/c.yaml", bad).want(422).json()
    text = json.dumps(problem)
    vesta.check('\\"a\\"' in text and '\\"b\\"' in text, text)
    vesta.check_equal({f["line"] for f in problem["findings"]}, {5}, text)
    vesta.check_equal(len(problem["findings"]), 2, text)
    config(server, "mac=52:54:00:00:00:01")


def test_metadata_that_breaks_a_machine_is_refused(server: vesta.Server) -> None:
    group = {
        "profile": "p",
        "selector": {"mac": "52:54:00:00:00:01"},
        "metadata": {"path": "relative"},
    }
    problem = server.api("PUT", "/groups/a", group).want(422).json()
    vesta.check('"a"' in problem["findings"][0]["message"], json.dumps(problem))
    missing = {"profile": "p", "selector": {"mac": "52:54:00:00:00:01"}, "metadata": {}}
    problem = server.api("PUT", "/groups/a", missing).want(422).json()
    vesta.check("path" in problem["findings"][0]["message"], json.dumps(problem))
    vesta.check_equal(
        config(server, "mac=52:54:00:00:00:01")["storage"]["files"][0]["path"], "/etc/a"
    )


def test_a_profile_that_breaks_machines_is_refused(server: vesta.Server) -> None:
    server.api("PUT", "/templates/ignition/other.yaml", (HEAD + "x: {{.nowhere}}\n").encode()).want(
        201
    )
    problem = server.api("PUT", "/profiles/p", {"ignition_id": "other.yaml"}).want(422).json()
    vesta.check_equal(len(problem["findings"]), 2, json.dumps(problem))


def test_what_uses_the_request_fails_at_the_request(server: vesta.Server) -> None:
    template = (HEAD + 'storage:\n  files:\n  - path: {{index .request.query "path"}}\n').encode()
    server.api("PUT", "/templates/ignition/r.yaml", template).want(200)
    vesta.check_equal(config(server, "x=r&path=/etc/q")["storage"]["files"][0]["path"], "/etc/q")
    answer = server.get("/ignition?x=r&path=relative").want(500)
    vesta.check("r.yaml" in answer.text and "5:" in answer.text, answer.text)
    server.get("/ignition.sig?x=r&path=relative").want(500)
