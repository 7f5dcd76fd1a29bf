"""What a machine gets and why, as operators ask it."""

import hashlib
import json
from typing import Any

from vesta import Server, check, check_equal, run, serve

SITE: dict[str, Any] = {
    "groups/default.json": {"profile": "base", "metadata": {"root_password": "top-secret"}},
    "groups/rack.json": {"profile": "base", "selector": {"rack": "7"}},
    "groups/web.json": {
        "profile": "web",
        "selector": {"mac": "52:54:00:00:00:01", "os": "installed"},
        "metadata": {"name": "web-1"},
    },
    # Shadowed: an import keeps the first by id active.
    "groups/web-copy.json": {
        "profile": "base",
        "selector": {"mac": "52-54-00-00-00-01", "os": "installed"},
    },
    "profiles/base.json": {"boot": {"kernel": "/k"}, "generic_id": "secret.txt"},
    "profiles/web.json": {"generic_id": "name.txt", "cloud_id": "broken.yaml"},
    "generic/name.txt": "I am {{.name}} at {{.request.raw_query}}\n",
    "generic/secret.txt": "{{.root_password}}\n",
    "cloud/broken.yaml": "#cloud-config\na: {{.nowhere}}\n",
}
WEB = ["mac=52-54-00-00-00-01", "os=installed"]


def start() -> Server:
    return serve(SITE)


def explain(server: Server, query: str) -> dict[str, Any]:
    answer = server.api("GET", f"/explain?{query}").want(200)
    check(b"top-secret" not in answer.body, "a value of metadata is shown")
    explanation: dict[str, Any] = answer.json()
    return explanation


def command(server: Server, *args: str) -> str:
    return run(args[0], "--data-path", server.data, *args[1:]).want(0).out


# --- explain ---------------------------------------------------------------------------------------


def test_what_is_explained_is_what_machines_get(server: Server) -> None:
    for query in ["&".join(WEB), "rack=7", "", "mac=zz", "os=installed&os=x"]:
        told = explain(server, query)
        check_equal(
            set(told),
            {"labels", "ignored", "winner", "groups", "profile", "documents", "variables"},
            "keys of an explanation",
        )
        documents = {d["kind"]: d for d in told["documents"]}
        for kind in ["ipxe", "grub", "ignition", "cloud", "generic", "metadata"]:
            got = server.get(f"/{kind}?{query}")
            check_equal(documents[kind]["status"], got.status, f"status of {kind}?{query}")
            sha256 = hashlib.sha256(got.body).hexdigest() if got.status == 200 else None
            check_equal(documents[kind]["sha256"], sha256, f"sum of {kind}?{query}")
            if got.status == 200:
                check((got.header("Vesta-Match") or "").startswith(f"group={told['winner']};"), "")


def test_groups_are_ranked(server: Server) -> None:
    told = explain(server, "&".join([*WEB, "rack=7"]))
    check_equal(
        [g["id"] for g in told["groups"]], ["web", "web-copy", "rack", "default"], "the order"
    )
    check(all(g["matched"] for g in told["groups"]), "all match")
    check_equal(told["groups"][1]["shadowed_by"], "web", "shadowed_by")
    check("shadowed_by" not in told["groups"][0], "the winner is shadowed")
    check('more labels than "rack"' in told["groups"][0]["reason"], told["groups"][0]["reason"])
    told = explain(server, "os=installed")
    near = {g["id"]: g for g in told["groups"] if not g["matched"]}
    check_equal(
        near["web"]["predicates"],
        [
            {"key": "mac", "want": "52:54:00:00:00:01", "got": None, "held": False},
            {"key": "os", "want": "installed", "got": "installed", "held": True},
        ],
        "predicates",
    )


def test_render_has_the_bytes_of_the_boot_plane(server: Server) -> None:
    query = "&".join(WEB)
    for kind in ["generic", "metadata"]:
        here = server.api("GET", f"/render/{kind}?{query}").want(200)
        there = server.get(f"/{kind}?{query}").want(200)
        check_equal(here.body, there.body, f"bytes of {kind}")
        check_equal(here.header("Content-Type"), there.header("Content-Type"), "Content-Type")
        check_equal(here.header("Vesta-Match"), there.header("Vesta-Match"), "Vesta-Match")
    broken = server.api("GET", f"/render/cloud?{query}").want(422)
    finding = broken.json()["findings"][0]
    check_equal((finding["file"], finding["line"]), ("broken.yaml", 2), "place")
    check(finding["column"] > 1, "column")


# --- the commands ----------------------------------------------------------------------------------


def test_explain_for_people(server: Server) -> None:
    out = command(server, "explain", "mac=52-54-00-00-00-01", "rack=7", "mac=zz")
    lines = out.splitlines()
    check_equal(lines[0], "labels: mac=52:54:00:00:00:01 rack=7", "labels")
    check("ignored: mac=zz: the key is repeated" in lines[1], lines[1])
    check('  rack wins: 1 of 1 labels match; more labels than "default"' in lines, out)
    check("  default loses: it asks for no label and matches every machine" in out, out)
    check("  web: 1 of 2 labels match" in lines, out)
    check("    ok       mac=52:54:00:00:00:01" in lines, out)
    check("    missing  os=installed" in lines, out)
    check("profile: base" in lines, out)
    check("top-secret" not in out, out)
    out = command(server, "explain", "mac=52:54:00:00:00:01", "os=live")
    check("    differs  os=installed   the machine has live" in out, out)
    out = command(server, "explain", *WEB)
    check("broken.yaml:2:" in out and " 500 " in out, out)
    out = command(server, "explain", "mac=zz")
    check("labels: none" in out and "mac=zz: it is not a MAC address" in out, out)


def test_explain_for_programs(server: Server) -> None:
    told = json.loads(command(server, "explain", "-o", "json", *WEB))
    check_equal(told, explain(server, "&".join(WEB)), "-o json")
    check_equal(command(server, "explain", "-o", "name", *WEB), "web\n", "-o name")
    check("winner: web\n" in command(server, "explain", "-o", "yaml", *WEB), "-o yaml")
    odd = json.loads(command(server, "explain", "-o", "json", "a b&c=d=e%20+é\n"))
    check_equal(odd["labels"], {"a b&c": "d=e%20+é\n"}, "labels with odd characters")


def test_render_on_the_command_line(server: Server) -> None:
    want = server.get("/metadata?mac=52:54:00:00:00:01&os=installed").want(200).text
    got = command(server, "render", "metadata", "mac=52:54:00:00:00:01", "os=installed")
    check_equal(got, want, "metadata")
    outcome = run("render", "--data-path", server.data, "cloud", *WEB).want(1)
    check("broken.yaml:2:" in outcome.err and ": error: " in outcome.err, outcome.err)
    check_equal(outcome.out, "", "stdout of a failure")
    outcome = run("render", "--data-path", server.data, "ignition", *WEB).want(1)
    check("no ignition" in outcome.err, outcome.err)


def test_wrong_usage(server: Server) -> None:
    for args in [
        ("explain", "mac"),
        ("explain", "-o", "xml"),
        ("explain", "a=" + "b" * 9000),
        ("render",),
        ("render", "sausage"),
        ("render", "ipxe", "mac"),
    ]:
        outcome = run(args[0], "--data-path", server.data, *args[1:]).want(2)
        check_equal(outcome.out, "", "stdout")
        check(f"vesta {args[0]}: " in outcome.err, outcome.err)
