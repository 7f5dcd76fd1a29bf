"""Changes while machines ask: what is kept ready is renewed, and nobody gets half of anything."""

import json
import threading
from typing import Any

import vesta
from vesta import Server, check, check_equal, gpgv, serve, wait_answer

SITE: dict[str, Any] = {
    "groups/a.json": {
        "id": "a",
        "profile": "p",
        "selector": {"m": "a"},
        "metadata": {"role": "one"},
    },
    "groups/b.json": {
        "id": "b",
        "profile": "p",
        "selector": {"m": "b"},
        "metadata": {"role": "two"},
    },
    "groups/dangling.json": {"id": "dangling", "profile": "later", "selector": {"m": "later"}},
    "groups/twin-1.json": {
        "id": "twin-1",
        "profile": "p",
        "selector": {"twin": "yes"},
        "metadata": {"role": "twin"},
    },
    "groups/twin-2.json": {
        "id": "twin-2",
        "profile": "p",
        "selector": {"twin": "yes"},
        "metadata": {"role": "twin"},
    },
    "profiles/p.json": {
        "id": "p",
        "boot": {"kernel": "/k1"},
        "ignition_id": "i.ign",
        "cloud_id": "c.yaml",
        "generic_id": "g.txt",
    },
    "ignition/i.ign": '{"ignition":{"version":"3.1.0"}}',
    "cloud/c.yaml": "#cloud-config\nhostname: {{.role}}\n",
    "generic/g.txt": "static\n",
}


def start() -> Server:
    return serve(SITE)


def everything(server: Server, label: str) -> dict[str, bytes]:
    names = ("ipxe", "grub", "ignition", "cloud", "generic", "metadata")
    return {n: server.get(f"/{n}?m={label}").want(200).body for n in names}


def test_every_document_follows_its_parts() -> None:
    changes = [
        ("PATCH", "/groups/a", {"metadata": {"role": "new"}}, {"cloud", "metadata"}, set()),
        ("PATCH", "/profiles/p", {"boot": {"kernel": "/k2"}}, {"ipxe", "grub"}, {"ipxe", "grub"}),
        ("PUT", "/templates/generic/g.txt", b"changed\n", {"generic"}, {"generic"}),
        ("PUT", "/templates/cloud/c.yaml", b"#!x {{.role}}", {"cloud"}, {"cloud"}),
        (
            "PUT",
            "/templates/ignition/i.ign",
            b'{"ignition":{"version":"3.2.0"}}',
            {"ignition"},
            {"ignition"},
        ),
        ("PUT", "/templates/ipxe/own.ipxe", b"#!ipxe\necho {{.role}}\n", set(), set()),
        ("PATCH", "/profiles/p", {"ipxe_id": "own.ipxe"}, {"ipxe"}, {"ipxe"}),
        ("PUT", "/templates/ipxe/own.ipxe", b"#!ipxe\necho {{.role}}!\n", {"ipxe"}, {"ipxe"}),
        ("PATCH", "/profiles/p", {"ipxe_id": None}, {"ipxe"}, {"ipxe"}),
    ]
    with serve(SITE) as server:
        for method, path, body, changed_a, changed_b in changes:
            # Asked twice, so that the second answer is a kept one.
            for label in "ab":
                check_equal(everything(server, label), everything(server, label), "asked twice")
            before = {label: everything(server, label) for label in "ab"}
            server.api(method, path, body)
            for label, want in (("a", changed_a), ("b", changed_b)):
                after = everything(server, label)
                changed = {n for n, text in after.items() if text != before[label][n]}
                check_equal(changed, want, f"what {method} {path} {body} changed for {label}")
        for name in ("ipxe", "cloud", "metadata"):
            document = server.get(f"/{name}?m=a").body
            check(gpgv(server, document, server.get(f"/{name}.sig?m=a").body), f"{name}.sig")


def test_a_dangling_group_is_whole_when_its_profile_comes(server: Server) -> None:
    server.get("/generic?m=later").want(404)
    server.api("PUT", "/profiles/later", {"generic_id": "g.txt"}).want(201)
    server.get("/generic?m=later").want(200, "static\n")
    server.api("DELETE", "/profiles/later").want(409)
    server.api("DELETE", "/groups/dangling").want(204)
    server.api("DELETE", "/profiles/later").want(204)


def test_a_repaired_template_heals(server: Server) -> None:
    server.api("PUT", "/templates/generic/sick.txt", b"{{.absent}}").want(201)
    server.api("PUT", "/profiles/sick", {"generic_id": "sick.txt"}).want(201)
    server.api("PUT", "/groups/sick", {"profile": "sick", "selector": {"m": "sick"}}).want(201)
    server.get("/generic?m=sick").want(500)
    server.api("PUT", "/templates/generic/sick.txt", b"{{.m}}").want(200)
    server.get("/generic?m=sick").want(200, "sick")


def test_a_shadowed_group_takes_over(server: Server) -> None:
    def winner() -> str:
        return (server.get("/generic?twin=yes").want(200).header("Vesta-Match") or "").split(";")[0]

    check_equal(winner(), "group=twin-1", "winner")
    server.api("DELETE", "/groups/twin-1").want(204)
    check_equal(winner(), "group=twin-2", "winner")


def test_a_second_server_on_the_same_data(server: Server) -> None:
    seconds = vesta.DEADLINE if vesta.sanitized() else 1.0
    with Server(server.data) as other:
        for n in range(3):
            for one, two in ((server, other), (other, server)):
                text = f"{n} from {one.pid}"
                one.api("PUT", "/templates/generic/g.txt", text.encode()).want(200)
                one.get("/generic?m=a").want(200, text)
                wait_answer(two, "/generic?m=a", text, seconds)
        other.api("PUT", "/templates/generic/g.txt", b"static\n").want(200)


def test_no_answer_is_torn(server: Server) -> None:
    """Readers of a large document, kept and rendered for each, while it is changed."""
    size = 200_000
    server.api("PUT", "/templates/generic/kept.txt", b"a" * size).want(201)
    server.api("PUT", "/templates/generic/each.txt", b"a" * size + b"{{.request.raw_query}}").want(
        201
    )
    for name in ("kept", "each"):
        server.api("PUT", f"/profiles/{name}", {"generic_id": f"{name}.txt"}).want(201)
        server.api("PUT", f"/groups/{name}", {"profile": name, "selector": {"t": name}}).want(201)
    done = threading.Event()
    wrong: list[str] = []

    def read(target: str, tail: bytes) -> None:
        with server.connect() as c:
            while not done.is_set() and not wrong:
                answer = c.request(target)
                body = answer.body
                whole = body == body[:1] * size + tail
                if answer.status != 200 or not whole:
                    wrong.append(f"{target}: {answer.status}, {len(body)} bytes {set(body)}")

    readers = [
        threading.Thread(target=read, args=args)
        for args in (("/generic?t=kept", b""), ("/generic?t=each", b"t=each"))
        for _ in range(2)
    ]
    for thread in readers:
        thread.start()
    try:
        for n in range(60):
            letter = b"bcdef"[n % 5 : n % 5 + 1]
            server.api("PUT", "/templates/generic/kept.txt", letter * size).want(200)
            query = letter * size + b"{{.request.raw_query}}"
            server.api("PUT", "/templates/generic/each.txt", query).want(200)
    finally:
        done.set()
        for thread in readers:
            thread.join()
    check(not wrong, f"torn: {wrong}")


def test_a_large_site_is_listed_whole() -> None:
    groups = {
        f"groups/g{n:05}.json": json.dumps(
            {"id": f"g{n:05}", "profile": "p", "selector": {"n": str(n)}}
        )
        for n in range(2500)
    }
    with serve({**SITE, **groups}) as server:
        for n in (0, 1234, 2499):
            match = server.get(f"/generic?n={n}").want(200).header("Vesta-Match")
            check_equal(match, f"group=g{n:05}; revision=1", "Vesta-Match")
        names = vesta.run("get", "groups", "-o", "name", "--data-path", server.data).want(0).out
        check_equal(len(set(names.split())), 2505, "groups that are listed")
