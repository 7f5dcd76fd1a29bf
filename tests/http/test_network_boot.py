"""PXELINUX, GRUB and UEFI HTTP Boot: what each is given, by which name, with which URLs in it."""

from typing import Any

from vesta import Scratch, Server, check, check_equal, run, serve, write_site

UUID = "16e7d8a7-bfa9-428b-9117-363341bb330b"
SWAPPED = "a7d8e716-a9bf-8b42-9117-363341bb330b"  # as PXELINUX writes it
TEXT = "text/plain; charset=utf-8"


def profile(name: str, **more: Any) -> dict[str, Any]:
    boot = {"kernel": "/assets/k", "initrd": ["/assets/i"], "args": [f"profile={name}"]}
    return {"id": name, "boot": {**boot, **more}}


SITE: dict[str, Any] = {
    "groups/by-uuid.json": {"profile": "by-uuid", "selector": {"uuid": UUID.upper()}},
    "groups/by-mac.json": {"profile": "by-mac", "selector": {"mac": "52-54-00-A1-B2-C3"}},
    "groups/by-ip.json": {"profile": "by-ip", "selector": {"ip": "10.0.2.15"}},
    "groups/by-net.json": {"profile": "by-net", "selector": {"ip": "0A0003"}},
    "groups/default.json": {"profile": "other"},
    "groups/own.json": {"profile": "own", "selector": {"mac": "52:54:00:00:00:aa"}},
    "groups/quoted.json": {"profile": "quoted", "selector": {"case": "quoted"}},
    "groups/arch.json": {"profile": "arch", "selector": {"case": "arch"}},
    "groups/arch-only.json": {"profile": "arch-only", "selector": {"case": "arch-only"}},
    "groups/control.json": {"profile": "control", "selector": {"case": "control"}},
    "groups/arm.json": {"profile": "by-mac", "selector": {"case": "arm", "arch": "aarch64"}},
    "profiles/by-uuid.json": profile("by-uuid"),
    "profiles/by-mac.json": profile("by-mac"),
    "profiles/by-ip.json": profile("by-ip"),
    "profiles/by-net.json": profile("by-net"),
    "profiles/other.json": profile("other"),
    "profiles/own.json": {"id": "own", "pxelinux_id": "own.cfg"},
    "profiles/control.json": profile("control", args=["a\nLOCALBOOT 0"]),
    "profiles/quoted.json": {
        "id": "quoted",
        "name": "Debian's rescue\nsystem",
        "boot": {
            "kernel": "http://192.0.2.7:81/k?a=1&b=2",
            "initrd": ["--name main /assets/a,b", "https://secure/i", "(tftp)/i"],
            "args": [
                "initrd=main",
                "ds=nocloud;s=http://h/nocloud/mac=1/",
                "u=http://h/?a=1&b=2",
                "m=${mac:hexhyp}",
                "n=http://h/?m=$net_default_mac&x",
                "plain=$root",
                'q="v w"',
                "bad='",
            ],
        },
    },
    "profiles/arch.json": profile(
        "arch",
        efi="sub/grubx64.efi",
        arch={
            "aarch64": {
                "kernel": "/assets/arm/k",
                "args": ["arm=1"],
                "efi": "/assets/sub/grubaa64",
            },
            "i386": {"initrd": []},
        },
    ),
    "profiles/arch-only.json": {"id": "arch-only", "boot": {"arch": {"x86_64": {"kernel": "/k"}}}},
    "pxelinux/own.cfg": "SAY {{.request.query.mac}}\nLOCALBOOT 0\n# {{.request.query.x}}\n",
}
ASSETS = {
    "k": b"kernel",
    "i": b"initrd",
    "sub/grubx64.efi": b"MZx64",
    "sub/grubaa64": b"MZaa64",
    "px/ldlinux.c32": b"c32",
    "px/pxelinux.cfg/default": b"SAY from the assets\n",
}


def start() -> Server:
    return serve(SITE, assets=ASSETS)


def config(name: str, base: str) -> str:
    return (
        f"DEFAULT vesta\nPROMPT 0\nLABEL vesta\n  MENU LABEL {name}\n  KERNEL {base}/assets/k\n"
        f"  INITRD {base}/assets/i\n  APPEND profile={name}\n"
    )


# --- PXELINUX ---------------------------------------------------------------------------------------


def test_pxelinux_by_each_name(server: Server) -> None:
    names = [
        (UUID, "by-uuid"),
        (SWAPPED, "by-uuid"),
        (SWAPPED.upper(), "by-uuid"),
        ("01-52-54-00-a1-b2-c3", "by-mac"),
        ("0A00020F", "by-ip"),
        ("0a00020f", "by-ip"),
        ("0A0003", "by-net"),
        ("default", "other"),
    ]
    for prefix in ("/", "/px/", "/a/b%20c/", "//", "/assets/", "/assets/px/x/"):
        for name, profile_id in names:
            answer = server.get(f"{prefix}pxelinux.cfg/{name}").want(
                200, config(profile_id, server.boot_url)
            )
            check_equal(answer.header("Content-Type"), TEXT, name)
            group = "default" if name == "default" else profile_id
            check_equal(answer.header("Vesta-Match"), f"group={group}; revision=1", name)
    server.get("/pxelinux?case=none").want(200, config("other", server.boot_url))


def test_pxelinux_asks_on_after_404(server: Server) -> None:
    """A default group must not answer for the first name, or the others would never be asked for."""
    names = [
        "00000000-0000-0000-0000-000000000001",
        "01-52-54-00-a1-b2-c4",
        "0A000210",
        "0A00021",
        "0A0002",
        "0A000",
        "0A",
        "0",
        "0A00020F0",
        "01-52-54-00-a1-b2",
        "ldlinux.c32",
        "x/default",
        "",
        "DEFAULT",
        UUID + "0",
        UUID.replace("-", "+"),
        "..",
        "%2e",
        "0A00020G",
    ]
    for name in names:
        for prefix in ("/", "/px/"):
            answer = server.get(f"{prefix}pxelinux.cfg/{name}").want(404)
            check(answer.text.count("\n") == 1, f"{name}: {answer.text}")
    server.get("/px/ldlinux.c32").want(404)


def test_pxelinux_over_http_1_0(server: Server) -> None:
    """As lpxelinux asks: HTTP/1.0, a cookie; the end of the connection ends the answer."""
    request = (
        f"GET /px/pxelinux.cfg/{SWAPPED} HTTP/1.0\r\nHost: 10.0.2.2:18080\r\nUser-Agent: Syslinux/6.04\r\n"
        f"Connection: close\r\nCookie: _Syslinux_ip=ip=10.0.2.15;_Syslinux_SYSUUID={SWAPPED}\r\n\r\n"
    )
    with server.connect() as c:
        c.send(request.encode())
        answer = c.read_response().want(200, config("by-uuid", server.boot_url))
        check_equal(answer.header("Content-Length"), str(len(answer.body)), "Content-Length")
        check(c.at_end(), "the connection is still open")


def test_pxelinux_head_and_signature(server: Server) -> None:
    body = server.get("/pxelinux.cfg/default").want(200).body
    head = server.get("/pxelinux.cfg/default", {}, "HEAD").want(200, b"")
    check_equal(head.length, len(body), "Content-Length")
    server.get("/pxelinux.cfg/default.sig").want(200)
    server.get("/pxelinux.cfg/0A00021.sig").want(404)


def test_pxelinux_own_template_and_marks(server: Server) -> None:
    path = "/pxelinux.cfg/01-52-54-00-00-00-aa"
    server.get(f"{path}?x=plain").want(200, "SAY 52:54:00:00:00:aa\nLOCALBOOT 0\n# plain\n")
    for x in ("a%0AKERNEL+evil", "a%0DKERNEL", "two+words", "%E2%80%A8x"):
        check("evil" not in server.get(f"{path}?x={x}").want(500).text, x)


def test_a_line_break_in_an_argument_is_no_line_of_the_config(server: Server) -> None:
    for path in ("/pxelinux?case=control", "/grub?case=control"):
        answer = server.get(path, {"User-Agent": "GRUB 2.06-13"}).want(500)
        check("control character" in answer.text and "LOCALBOOT" not in answer.text, answer.text)


def test_files_of_the_assets_win(server: Server) -> None:
    server.get("/assets/px/pxelinux.cfg/default").want(200, "SAY from the assets\n")
    server.get("/assets/px/ldlinux.c32").want(200, "c32")
    server.get(f"/assets/px/pxelinux.cfg/{UUID}").want(200, config("by-uuid", server.boot_url))


def test_render_and_explain(server: Server) -> None:
    answer = server.api("GET", f"/render/pxelinux?uuid={UUID}").want(
        200, config("by-uuid", server.boot_url)
    )
    check_equal(answer.header("Content-Type"), TEXT, "Content-Type")
    documents = server.api("GET", f"/explain?uuid={UUID}").want(200).json()["documents"]
    check_equal(
        [(d["status"], d["builtin"]) for d in documents if d["kind"] == "pxelinux"],
        [(200, True)],
        "explain",
    )
    out = run("render", "pxelinux", "--data-path", server.data, f"uuid={UUID}").want(0).out
    check_equal(out, config("by-uuid", server.boot_url), "vesta render")


# --- GRUB -------------------------------------------------------------------------------------------

GRUB = {"User-Agent": "GRUB 2.06-13+deb12u2"}


def test_grub_quotes_and_names(server: Server) -> None:
    at = server.boot_url.removeprefix("http://")
    want = f"""set default=0
set timeout=1
menuentry 'Debian'\\''s rescue system' {{
  echo "Loading the kernel"
  linux "(http,192.0.2.7:81)/k?a=1&b=2" 'ds=nocloud;s=http://h/nocloud/mac=1/' 'u=http://h/?a=1&b=2' 'm=${{mac:hexhyp}}' \
"n=http://h/?m=$net_default_mac&x" plain=$root q="v w" 'bad='\\'''
  echo "Loading the initrd"
  initrd "(http,{at})/assets/a%2Cb" "https://secure/i" "(tftp)/i"
}}
"""
    server.get("/grub?case=quoted&mac=&uuid=&serial=", GRUB).want(200, want)


def test_grub_by_what_it_says_of_itself(server: Server) -> None:
    at = server.boot_url.removeprefix("http://")
    for query, name in [
        (f"mac=52:54:00:a1:b2:c3&uuid={UUID.replace('1', '2')}&serial=SN", "by-mac"),
        (f"mac=52:54:00:a1:b2:c3&uuid={UUID}&serial=SN", "by-uuid"),
        ("mac=52:54:00:a1:b2:c4&uuid=&serial=", "other"),
    ]:
        answer = server.get(f"/grub?{query}", GRUB).want(200)
        check(f"menuentry '{name}' {{\n" in answer.text, answer.text)
        check(f'linux "(http,{at})/assets/k" profile={name}\n' in answer.text, answer.text)
        check("vesta.test" not in answer.text, "the Host header is in the answer")


def test_others_get_matchboxs_text_with_quotes_where_it_would_break(server: Server) -> None:
    text = server.get("/grub?case=quoted").want(200).text
    check(
        "linuxefi \"http://192.0.2.7:81/k?a=1&b=2\" initrd=main 'ds=nocloud;s=http://h/nocloud/mac=1/' "
        in text,
        text,
    )
    check("'u=http://h/?a=1&b=2' m=${mac:hexhyp} n=" in text, text)


# --- UEFI HTTP Boot ---------------------------------------------------------------------------------


def test_httpboot(server: Server) -> None:
    for path, body in [
        ("/httpboot/sub/grubx64.efi", b"MZx64"),
        ("/httpboot?case=arch", b"MZx64"),
        ("/httpboot/?case=arch&arch=16", b"MZx64"),
        ("/httpboot?case=arch&arch=19", b"MZaa64"),
        ("/httpboot?case=arch&arch=arm64", b"MZaa64"),
    ]:
        check_equal(
            server.get(path).want(200, body).header("Content-Type"), "application/efi", path
        )
        head = server.get(path, {}, "HEAD").want(200, b"")
        check_equal(
            (head.length, head.header("Content-Type")), (len(body), "application/efi"), path
        )
    check_equal(
        server.get("/httpboot?case=arch").header("Vesta-Match"),
        "group=arch; revision=1",
        "Vesta-Match",
    )
    for path in (
        "/httpboot/k",
        "/httpboot/gone.efi",
        "/httpboot?mac=52:54:00:a1:b2:c3",
        "/httpboot/../k.efi",
        "/httpboot/sub",
        "/httpboot",
    ):
        server.get(path).want(404)


# --- architectures ----------------------------------------------------------------------------------


def test_boot_by_architecture(server: Server) -> None:
    common = "#!ipxe\nkernel /assets/k profile=arch\ninitrd /assets/i\nboot\n"
    arm = "#!ipxe\nkernel /assets/arm/k arm=1\ninitrd /assets/i\nboot\n"
    i386 = "#!ipxe\nkernel /assets/k profile=arch\nboot\n"
    for _ in range(2):  # the second time from what is kept
        for arch, want in [
            ("", common),
            ("x86_64", common),
            ("7", common),
            ("arm64", arm),
            ("AARCH64", arm),
            ("11", arm),
            ("00011", arm),
            ("0", i386),
            ("i686", i386),
            ("vax", common),
        ]:
            server.get(f"/ipxe?case=arch&arch={arch}").want(200, want)
    check("arm/k" in server.get("/pxelinux?case=arch&arch=arm64").want(200).text, "pxelinux")
    server.get("/ipxe?case=arch-only&arch=9").want(200, "#!ipxe\nkernel /k\nboot\n")
    check(
        "architecture" in server.get("/ipxe?case=arch-only&arch=arm64").want(404).text, "no reason"
    )
    server.get("/ipxe?case=arm&arch=arm64").want(200)
    check_equal(
        server.get("/ipxe?case=arm&arch=11").header("Vesta-Match"),
        "group=arm; revision=1",
        "arch=11",
    )


def test_architectures_are_kept_as_they_are_named(server: Server) -> None:
    arch = server.api("GET", "/profiles/arch").want(200).json()["boot"]["arch"]
    check_equal(
        arch["arm64"],
        {"kernel": "/assets/arm/k", "args": ["arm=1"], "efi": "/assets/sub/grubaa64"},
        "arm64",
    )
    check_equal(arch["i386"], {"initrd": []}, "i386")
    for bad, pointer in [
        ({"arm64": {}, "aarch64": {}}, "/boot/arch"),
        ({"arm64": []}, "/boot/arch/arm64"),
        ({"arm64": {"kernal": "/k"}}, "/boot/arch/arm64/kernal"),
        ([], "/boot/arch"),
        ({"a b": {}}, "/boot/arch/a b"),
        ({"arm64": {"args": "x"}}, "/boot/arch/arm64/args"),
    ]:
        problem = server.api("PUT", "/profiles/bad", {"boot": {"arch": bad}}).want(422).json()
        check_equal([f["pointer"] for f in problem["findings"]], [pointer], str(bad))


# --- the public URL ---------------------------------------------------------------------------------


def test_public_url() -> None:
    url = "https://boot.example.com:8443/vesta"
    with serve(SITE, "--public-url", url + "/", assets=ASSETS) as server:
        server.get("/pxelinux.cfg/default").want(200, config("other", url))
        answer = server.get("/grub?mac=52:54:00:a1:b2:c3")
        check(f'linux "{url}/assets/k" profile=by-mac\n' in answer.text, answer.text)
        server.api("GET", "/render/grub?mac=52:54:00:a1:b2:c3").want(200, answer.text)
        server.get("/ipxe").want(
            200, "#!ipxe\nkernel /assets/k profile=other\ninitrd /assets/i\nboot\n"
        )
        server.api("GET", "/render/pxelinux").want(200, config("other", url))


def test_public_url_that_is_none() -> None:
    for url in (
        "boot.example.com",
        "ftp://x",
        "http://",
        "http://:80",
        "http://a b",
        "http://a/?q",
        "http://a/#f",
        "http://a/$x",
        "http://" + "a" * 300,
    ):
        outcome = run("serve", "--data-path", "/nonexistent", "--public-url", url).want(1)
        check(
            "public URL" in outcome.err and "http://boot.example.com:8080" in outcome.err,
            outcome.err,
        )


# --- identities that are none -----------------------------------------------------------------------

JUNK = [
    ("uuid", "00000000-0000-0000-0000-000000000000"),
    ("uuid", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"),
    ("uuid", "03000200-0400-0500-0006-000700080009"),
    ("uuid", "00020003-0004-0005-0006-000700080009"),
    ("serial", "To Be Filled By O.E.M."),
    ("serial", "to be filled by o.e.m."),
    ("serial", "Default string"),
    ("serial", "System Serial Number"),
    ("serial", "0000000000"),
    ("serial", " "),
    ("serial", "None"),
]


def test_junk_identifies_nobody() -> None:
    """A group that a vendor's default belongs to would get all machines of that vendor."""
    site: dict[str, Any] = {
        f"groups/junk-{i}.json": {"profile": "p", "selector": {k: v}}
        for i, (k, v) in enumerate(JUNK)
        if v.lower() not in [w.lower() for _, w in JUNK[:i]]
    }
    site.update(
        {
            "groups/default.json": {"profile": "p"},
            "groups/no-serial.json": {"profile": "p", "selector": {"serial": "", "case": "none"}},
            "profiles/p.json": {"id": "p", "generic_id": "g"},
            "generic/g": "uuid={{.request.query.uuid}} serial={{.request.query.serial}}\n",
        }
    )
    with serve(site) as server:
        for key, value in JUNK:
            query = f"{key}={value.replace(' ', '+')}&{'serial' if key == 'uuid' else 'uuid'}=x"
            answer = server.get(f"/generic?{query}").want(200)
            check_equal(answer.header("Vesta-Match"), "group=default; revision=1", query)
            check(
                (f"{key}={value.lower()}" if key == "uuid" else f"{key}={value}") in answer.text,
                answer.text,
            )
            explained = server.api("GET", f"/explain?{query}").want(200).json()
            check_equal(explained["winner"], "default", query)
            check(key not in explained["labels"], "explain shows it as a label")
            check_equal(
                [
                    (x["key"], "many machines have this value" in x["reason"])
                    for x in explained["ignored"]
                ],
                [(key, True)],
                "ignored",
            )
        # It is as if it had not been sent.
        answer = server.get("/metadata?serial=Default+string&case=none")
        check_equal(
            answer.header("Vesta-Match"), "group=no-serial; revision=1", "a group without serial"
        )
        answer = server.get(
            "/nocloud/uuid=00000000-0000-0000-0000-000000000000;serial=SN-1/meta-data"
        ).want(200)
        check('instance-id: "SN-1"' in answer.text, answer.text)


def test_a_group_that_selects_on_junk_is_warned_of() -> None:
    site = {
        "groups/a.json": {"profile": "p", "selector": {"uuid": JUNK[2][1]}},
        "profiles/p.json": {"id": "p"},
    }
    with Scratch() as scratch:
        write_site(scratch / "site", site)
        outcome = run("import", "--data-path", scratch / "data", scratch / "site").want(0)
        check("groups/a.json" in outcome.err and "warning" in outcome.err, outcome.err)
        check("many machines have this for a uuid" in outcome.err, outcome.err)


# --- any card of a machine ----------------------------------------------------------------------------

MACS = ["52:54:00:00:01:01", "52:54:00:00:01:02", "52:54:00:00:01:03"]


def listed(**selector: Any) -> dict[str, Any]:
    return {"profile": "p", "selector": selector}


def test_boot_script_for_all_cards(server: Server) -> None:
    plain = server.get("/boot.ipxe").want(200).text
    text = server.get("/boot.ipxe?nics=all").want(200).text
    check(text.startswith("#!ipxe\n") and text.endswith(plain.removeprefix("#!ipxe\n")), text)
    check("ipxe-nic?uuid=${uuid}&mac=${net${nic}/mac:hexhyp}&" in text, text)
    check_equal(server.get("/boot.ipxe?nics=one").want(200).text, plain, "another value")
    server.get("/boot.ipxe.sig?nics=all").want(200)
    server.get("/ipxe-nic?mac=52:54:00:a1:b2:c3").want(200, server.get("/ipxe?mac=52:54:00:a1:b2:c3").text)
    server.get("/ipxe-nic?mac=52:54:00:a1:b2:c4").want(404)
    server.get(f"/ipxe-nic?mac=52:54:00:a1:b2:c4&uuid={UUID}").want(404)
    server.get("/ipxe-nic").want(404)


def test_a_list_means_any_of_its_values() -> None:
    site = {"profiles/p.json": {"id": "p", "generic_id": "g"}, "generic/g": "{{.mac}} {{.os}}\n",
            "groups/default.json": {"profile": "p"},
            "groups/many.json": listed(mac=[m.upper().replace(":", "-") for m in MACS], os=["a", "b"]),
            "groups/one.json": listed(mac=[MACS[0]], os="c")}
    with serve(site) as server:
        for n in range(2):
            for mac in MACS:
                for name in ("a", "b"):
                    answer = server.get(f"/generic?mac={mac}&os={name}").want(200, f"{mac} {name}\n")
                    check("group=many; " in str(answer.header("Vesta-Match")), mac)
            answer = server.get(f"/metadata?mac={MACS[0]}&os=c")
            check("group=one; " in str(answer.header("Vesta-Match")), "one")
            answer = server.get(f"/metadata?mac={MACS[0]}&os=d")
            check("group=default; " in str(answer.header("Vesta-Match")), "default")
            if n == 0:  # and once more after a change, and after the catalog was loaded from the database
                server.api("PATCH", "/groups/many", {"name": "x"}).want(200)
        stored = server.api("GET", "/groups/many").want(200).json()["selector"]
        check_equal(stored, {"mac": MACS, "os": ["a", "b"]}, "as it is stored")
        check_equal(server.api("GET", "/groups/one").want(200).json()["selector"]["mac"], MACS[0], "a list of one")


def test_lists_and_conflicts() -> None:
    site = {"profiles/p.json": {"id": "p"}, "groups/a.json": listed(mac=MACS[:2], os=["x", "y"])}
    with serve(site) as server:
        def put(name: str, status: int, **selector: Any) -> None:
            problem = server.api("PUT", f"/groups/{name}", listed(**selector)).want(status)
            if status == 409:
                check('group \\"a\\" has the same selector' in problem.text, problem.text)

        put("b", 409, mac=MACS[1], os="y")
        put("b", 409, mac=[MACS[2], MACS[1]], os=["y", "z"])
        put("b", 201, mac=[MACS[1], MACS[2]], os="z")
        put("c", 201, mac=[MACS[2]], os=["x", "y"])
        put("a", 200, mac=MACS[:2], os=["y", "x"])  # itself, in another order
        put("a", 200, mac=MACS[0])
        put("d", 201, mac=MACS[1], os="y")  # which is free now
        server.api("DELETE", "/groups/b").want(204)
        put("e", 201, mac=[MACS[1]], os=["z"])
        for selector, pointer in [({"mac": []}, "/selector/mac"), ({"mac": [MACS[0], "no"]}, "/selector/mac/1"),
                                  ({"os": ["x", 1]}, "/selector/os/1"), ({"os": {"x": "y"}}, "/selector/os"),
                                  ({"a": [str(i) for i in range(1001)]}, "/selector/a"),
                                  ({"a": [str(i) for i in range(40)], "b": [str(i) for i in range(26)]}, "/selector")]:
            problem = server.api("PUT", "/groups/bad", listed(**selector)).want(422).json()
            check_equal([f["pointer"] for f in problem["findings"]], [pointer], str(pointer))
        put("big", 201, a=[str(i) for i in range(40)], b=[str(i) for i in range(25)])
        check("group=big; " in str(server.get("/metadata?a=39&b=24").header("Vesta-Match")), "the last combination")


def test_lists_in_lists_and_explain() -> None:
    site = {"profiles/p.json": {"id": "p"}, "groups/a.json": listed(mac=MACS[:2], os=["x", "y"]),
            "groups/b.json": listed(os="x:[y]"), "groups/0.json": listed(mac=MACS[1], os="y")}
    with serve(site) as server:
        def ids(query: str) -> list[str]:
            return [g["id"] for g in server.api("GET", f"/groups?{query}").want(200).json()["items"]]

        check_equal(ids(f"mac={MACS[1]}"), ["0", "a"], "by one")
        check_equal(ids(f"mac={MACS[0].upper()}&os=y"), ["a"], "by two")
        check_equal(ids("os=z"), [], "by none")
        check_equal(ids("os=x:[y]"), ["b"], "by what looks like a list")
        explained = server.api("GET", f"/explain?mac={MACS[1]}&os=y").want(200).json()
        check_equal([(g["id"], g["matched"], g.get("shadowed_by")) for g in explained["groups"]],
                    [("0", True, None), ("a", True, "0"), ("b", False, None)], "ranking")
        check_equal(explained["groups"][1]["predicates"][0],
                    {"key": "mac", "want": MACS[:2], "got": MACS[1], "held": True}, "predicate")
        near = server.api("GET", f"/explain?mac={MACS[0]}").want(200).json()["groups"]
        check_equal([(g["id"], [p["held"] for p in g["predicates"]]) for g in near if g["id"] == "a"],
                    [("a", [True, False])], "a near miss")
        out = run("get", "groups", "--data-path", server.data).want(0).out
        check(f"mac={MACS[0]}|{MACS[1]},os=x|y" in out, out)
        out = run("explain", "--data-path", server.data, f"mac={MACS[1]}", "os=y").want(0).out
        check(f"mac={MACS[0]}|{MACS[1]}" in out, out)


def test_lists_survive_export_rollback_and_restart() -> None:
    site = {"profiles/p.json": {"id": "p"}, "groups/a.json": listed(mac=MACS[:2])}
    with Scratch() as scratch:
        write_site(scratch / "site", site)
        with serve(site) as server:
            server.api("PUT", "/groups/a", listed(mac=MACS[2])).want(200)
            server.api("PUT", "/groups/b", listed(mac=MACS[1])).want(201)
            server.api("POST", "/revisions/1/rollback").want(200)
            server.api("PUT", "/groups/c", listed(mac=MACS[1])).want(409)
            server.stop()
            server.start()
            for mac, group in [(MACS[0], "a"), (MACS[1], "a")]:
                check(f"group={group}; " in str(server.get(f"/metadata?mac={mac}").header("Vesta-Match")), mac)
            server.get(f"/metadata?mac={MACS[2]}").want(404)
            run("export", "--data-path", server.data, scratch / "out").want(0)
        with serve(scratch / "out") as again:
            check("group=a; " in str(again.get(f"/metadata?mac={MACS[1]}").header("Vesta-Match")), "after export")


def test_lists_in_a_bundle() -> None:
    site = {"profiles/p.json": {"id": "p"}, "groups/a.json": listed(mac=MACS[:2], os="x")}
    with serve(site) as server:
        def plan(status: int, groups: dict[str, dict[str, Any]]) -> list[str]:
            bundle = {"groups": [{"id": k, **listed(**v)} for k, v in groups.items()], "profiles": [], "templates": []}
            answer = server.api("POST", "/plan", bundle).want(status).json()
            return [f["message"] for f in answer["findings"]]

        for clash in ({"b": {"mac": [MACS[2], MACS[1]], "os": ["x", "y"]}},
                      {"b": {"mac": MACS[2]}, "c": {"mac": MACS[1:]}},
                      {"b": {"mac": MACS[1:], "os": ["p", "q"]}, "c": {"mac": MACS, "os": ["q", "p"]}}):
            messages = plan(409, clash)
            check_equal(len(messages), 1, f"findings of {clash}: {messages}")
            check("has the same selector" in messages[0], messages[0])
        plan(200, {"a": {"mac": MACS[1:], "os": "x"}, "b": {"mac": [MACS[0]], "os": "x"}})
        plan(200, {"b": {"mac": MACS, "os": "z"}, "c": {"mac": MACS, "os": ["p", "q"]}})
