"""What comes with a request cannot become more than a value in a document.

The attacker chooses query values (a rogue DHCP server, SMBIOS strings, anybody with curl). Each
test sends them to documents that print them raw, which must fail without showing them, and to
documents that use the functions for it, whose output must hold the value as one word, one scalar.
"""

import base64
import json
import re
import shlex
import subprocess
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote, unquote_plus

from vesta import Response, Server, check, check_equal, serve

RAW = {
    "ipxe": "#!ipxe\nset host {{.request.query.host}}\nboot\n",
    "grub": "set host={{.request.query.host}}\nboot\n",
    "cloud": "#cloud-config\nhostname: {{.request.query.host}}\nlocale: C\n",
    "generic": "host={{.request.query.host}}\nend\n",
}
SAFE = {
    "ipxe": "#!ipxe\nset host {{urlquery .request.query.host}}\nchain http://h/?h={{urlquery "
    ".request.query.host}}&os=x\nset b {{b64enc .request.query.host}}\nboot\n",
    "grub": "set host={{grubquote .request.query.host}}\necho {{urlquery .request.query.host}}\n",
    "cloud": "#cloud-config\nhostname: {{toJson .request.query.host}}\nlocale: C\n",
    "generic": "{{b64enc .request.query.host}}\n{{shquote (b64enc .request.query.host)}}\n",
}
BUTANE = """variant: fcos
version: 1.5.0
storage:
  files:
  - path: /etc/hostname
    contents:
      inline: {{%s}}
"""
SCRIPT = '#!/bin/sh\ncurl "http://h/ignition?{{.request.raw_query}}"\n'
SECOND = "#!ipxe\n{{$d := fromJson .request.query.host}}set x {{$d.a.b}}\n"
INJECTING = "{{.request.query.host}}"


def documents(name: str, texts: dict[str, str]) -> dict[str, Any]:
    """A group with the label case=NAME, its profile and templates."""
    files: dict[str, Any] = {
        f"groups/{name}.json": {"id": name, "profile": name, "selector": {"case": name}},
        f"profiles/{name}.json": {"id": name, **{f"{kind}_id": name for kind in texts}},
    }
    files.update({f"{kind}/{name}": text for kind, text in texts.items()})
    return files


SITE = {
    **documents("raw", RAW),
    **documents("safe", SAFE),
    **documents("word", {"ipxe": "#!ipxe\nset host {{ipxe .request.query.host}}\nboot\n"}),
    **documents("butane", {"ignition": BUTANE % ".request.query.host"}),
    **documents("butane-safe", {"ignition": BUTANE % "toJson .request.query.host"}),
    **documents("script", {"cloud": SCRIPT}),
    **documents("second", {"ipxe": SECOND}),
    **documents("passwords", {"generic": "{{.password}} {{.gone}}\n"}),
    **documents("meta", {"generic": "x"}),
    **documents(
        "label",
        {
            "ipxe": "#!ipxe\nset s {{.serial}}\n",
            "cloud": "#cloud-config\nx: {{toJson .serial}}\n",
            "grub": "set s='{{.note}}'\n",
        },
    ),
    "groups/label.json": {
        "id": "label",
        "profile": "label",
        "selector": {"serial": "VMware-56 4d"},
        "metadata": {"note": "two words; and $more"},
    },
    **documents("loop", {"generic": '{{template "" .}}'}),
    **documents("endless", {"generic": "{{range 1000000000}}{{end}}"}),
    **documents("large", {"generic": '{{range until 100000}}{{printf "%4000d" .}}{{end}}'}),
}

# Threats 8, 9, 11, 12, 14: line ends, iPXE's words, YAML, shells, GRUB.
HOSTILE = [
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x0bb",
    "a\x0cb",
    "a\x1bb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "a\u2029b",
    "a b",
    "a || shell",
    "a && chain http://evil",
    "a ; shell",
    "#",
    "#x",
    "${password}",
    "a${net0/mac}",
    "a\\",
    "a\n#!ipxe\nshell",
    "a\nruncmd:\n- [id]",
    "a: b",
    "*anchor",
    "&anchor",
    "!!python/object:x",
    "- a",
    "---\nb",
    "a #b",
    '"a',
    "'a",
    "a'b\"c",
    "{a: b}",
    "[a]",
    "a\tb: c",
    "$(id)",
    "`id`",
    "$HOME",
    "a;reboot",
    "{ id }",
    "a|b",
    "a>b",
    "<a",
    "a&b",
    "é ü",
    "'; reboot; '",
    '"; reboot; "',
    "a'$(id)'b",
]
# Plain everywhere; what is encoded twice is not decoded twice.
HARMLESS = [
    "node-1.example.org",
    "52:54:00:00:00:01",
    "a/b@c%d+e,f=g~h",
    "%0a",
    "%250a",
    "yes",
    "0o17",
    "1e3",
    "",
]


def start() -> Server:
    return serve(SITE)


def ask(server: Server, kind: str, case: str, host: str) -> Response:
    return server.get(f"/{kind}?case={case}&host={quote(host, safe='')}")


def refused(response: Response, host: str, what: str) -> None:
    """A 500 of one line that names the place and the key, and does not show the value."""
    response.want(500)
    check_equal(len(response.text.splitlines()), 1, f"{what}: lines")
    check(".request.query.host" in response.text, f"{what}: the key is not named: {response.text}")
    check(re.search(r":\d+:\d+: ", response.text), f"{what}: no line and column: {response.text}")
    check(len(host) < 4 or host not in response.text, f"{what}: shows the value: {response.text}")


def test_raw_hostile_values_are_refused(server: Server) -> None:
    for host in HOSTILE:
        for kind in ("ipxe", "grub", "cloud"):
            refused(ask(server, kind, "raw", host), host, f"{kind} {host!r}")


def test_control_characters_are_refused_in_generic_too(server: Server) -> None:
    for host in HOSTILE:
        response = ask(server, "generic", "raw", host)
        if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", host):
            refused(response, host, f"generic {host!r}")
        else:
            response.want(200, f"host={host}\nend\n")


def test_bytes_that_are_no_text_are_refused(server: Server) -> None:
    for value in (b"a\x00b", b"\xff", b"\xed\xa0\x80", b"\xc0\x8a"):
        for kind in ("ipxe", "grub", "cloud"):
            response = server.get(f"/{kind}?case=raw&host={quote_from_bytes(value)}")
            check(response.status in (400, 500), f"{kind} {value!r}: {response.status}")


def test_harmless_values_are_printed(server: Server) -> None:
    for host in HARMLESS:
        ask(server, "ipxe", "raw", host).want(200, f"#!ipxe\nset host {host}\nboot\n")
        ask(server, "grub", "raw", host).want(200, f"set host={host}\nboot\n")
        ask(server, "generic", "raw", host).want(200, f"host={host}\nend\n")
        if not host.startswith("%"):  # which YAML reserves: the check of the document refuses it
            ask(server, "cloud", "raw", host).want(
                200, f"#cloud-config\nhostname: {host}\nlocale: C\n"
            )


def test_ipxe_gets_one_word(server: Server) -> None:
    for host in HOSTILE + HARMLESS:
        lines = ask(server, "ipxe", "safe", host).want(200).text.split("\n")
        check_equal(
            [x.split(" ")[0] for x in lines],
            ["#!ipxe", "set", "chain", "set", "boot", ""],
            repr(host),
        )
        word = re.fullmatch(r"set host ([A-Za-z0-9._%+~-]*)", lines[1])
        check(word, f"{host!r}: {lines[1]}")
        assert word
        check_equal(unquote_plus(word[1]), host, "the value that comes back")
        check_equal(lines[2], f"chain http://h/?h={word[1]}&os=x", "the URL")
        check_equal(base64.b64decode(lines[3].removeprefix("set b ")).decode(), host, "base64")


def test_the_ipxe_function_passes_words_only(server: Server) -> None:
    for host in HOSTILE + HARMLESS:
        response = ask(server, "ipxe", "word", host)
        if response.status == 200:
            check_equal(response.text, f"#!ipxe\nset host {host}\nboot\n")
            bad = re.search(r"[\x00-\x20\x7f-\x9f\u2028\u2029]|\$\{|^[#-]|\\$|\$$", host)
            check(not bad and host not in ("&&", "||", ";"), f"{host!r} is no plain word")
        else:
            refused(response, host, f"ipxe {host!r}")
    for host in ("a!b", "a;b", "x&y", "a'b", "$x", "é", "a|b"):
        ask(server, "ipxe", "word", host).want(200, f"#!ipxe\nset host {host}\nboot\n")


def test_grub_gets_one_word(server: Server) -> None:
    for host in HOSTILE + HARMLESS:
        response = ask(server, "grub", "safe", host)
        if re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", host):
            refused(response, host, f"grub {host!r}")
            continue
        line = response.want(200).text.split("\n")[0]
        check_equal(shlex.split(line), ["set", f"host={host}"], repr(host))


def test_yaml_gets_one_scalar(server: Server) -> None:
    for host in HOSTILE + HARMLESS:
        response = ask(server, "cloud", "safe", host)
        if re.search("[\x7f-\x9f]", host):
            refused(response, host, f"cloud {host!r}")
            continue
        lines = response.want(200).text.split("\n")
        check_equal((lines[0], lines[2:]), ("#cloud-config", ["locale: C", ""]), repr(host))
        check_equal(json.loads(lines[1].removeprefix("hostname: ")), host, "the scalar")


def inline_text(source: str) -> str:
    """What a data URL of a file's contents holds."""
    head, data = source.split(",", 1)
    if head == "data:;base64":
        return base64.b64decode(data).decode()
    check_equal(head, "data:", "the URL")
    return unquote(data)


def test_butane_gets_one_scalar(server: Server) -> None:
    for host in HOSTILE:
        refused(ask(server, "ignition", "butane", host), host, f"butane {host!r}")
        response = ask(server, "ignition", "butane-safe", host)
        if re.search("[\x7f-\x9f]", host):
            refused(response, host, f"butane {host!r}")
            continue
        files = response.want(200).json()["storage"]["files"]
        check_equal([f["path"] for f in files], ["/etc/hostname"], repr(host))
        check_equal(inline_text(files[0]["contents"]["source"]), host, "the scalar")


def test_a_shell_gets_base64(server: Server) -> None:
    for host in HOSTILE:
        lines = ask(server, "generic", "safe", host).want(200).text.split("\n")
        shown = subprocess.run(
            ["sh", "-c", f"printf %s {lines[1]} | base64 -d"], capture_output=True, check=True
        ).stdout
        check_equal(shown.decode(), host, "what the shell sees")


def test_a_raw_query_is_no_shell_code(server: Server) -> None:
    for query in ("x=$(id)", "x=`id`", 'x="', "x=a%20b&y=1", "x=;id"):
        response = server.get(f"/cloud?case=script&{query}".replace(" ", "%20").replace('"', "%22"))
        response.want(500)
        check(".request.raw_query" in response.text, response.text)
    ok = server.get("/cloud?case=script").want(200)
    check_equal(ok.text, SCRIPT.replace("{{.request.raw_query}}", "case=script"))


def test_url_characters_are_encoded(server: Server) -> None:
    """Threat 10: no further query parameter, no fragment."""
    for host in ("x&os=installed", "x#y", "50%", "a+b", "a b", '"'):
        line = ask(server, "ipxe", "safe", host).want(200).text.split("\n")[2]
        check_equal(line, f"chain http://h/?h={quote(host, safe='').replace('%20', '+')}&os=x")


def test_metadata_lines_are_one_for_a_value(server: Server) -> None:
    """Threat 13: neither a value nor a name forges a line or another key."""
    for host in HOSTILE:
        for target in (f"host={quote(host, safe='')}", f"{quote(host, safe='')}=x"):
            lines = server.get(f"/metadata?case=meta&{target}").want(200).text.splitlines()
            names = [x.split("=")[0] for x in lines]
            check_equal(len(lines), 4 if target.startswith("host=") else len(lines), repr(host))
            check(all(x.startswith(("CASE", "REQUEST_")) for x in names), f"{host!r}: {names}")
    lines = (
        server.get("/metadata?case=meta&RAW_QUERY%3Da=b&x=y%0AREQUEST_RAW_QUERY%3Dforged")
        .want(200)
        .text
    )
    check_equal(len(re.findall("(?m)^REQUEST_RAW_QUERY=", lines)), 1, "forged lines")
    check("REQUEST_QUERY_RAW_QUERY\\075A=b\n" in lines, f"the name is not escaped: {lines}")


def test_second_order_values_stay_marked(server: Server) -> None:
    """JSON in a query value: what comes out of it is as foreign as the text."""
    ask(server, "ipxe", "second", '{"a":{"b":"fine"}}').want(200, "#!ipxe\nset x fine\n")
    for value in ("a b", "${x}", "a\nb"):
        ask(server, "ipxe", "second", json.dumps({"a": {"b": value}})).want(500)


def test_labels_that_matched_are_marked_and_metadata_is_not(server: Server) -> None:
    query = "serial=VMware-56%204d"
    response = server.get(f"/ipxe?{query}").want(500)
    check("<.serial>" in response.text and "VMware" not in response.text, response.text)
    server.get(f"/cloud?{query}").want(200, '#cloud-config\nx: "VMware-56 4d"\n')
    server.get(f"/grub?{query}").want(200, "set s='two words; and $more'\n")


def test_values_are_never_parsed_as_templates(server: Server) -> None:
    """Threat 15."""
    ask(server, "generic", "raw", INJECTING).want(200, f"host={INJECTING}\nend\n")


def test_templates_end(server: Server) -> None:
    for case, limit in (
        ("loop", "depth limit"),
        ("endless", "steps limit"),
        ("large", "output limit"),
    ):
        response = server.get(f"/generic?case={case}").want(500)
        check(limit in response.text, f"{case}: {response.text}")


def test_trust_request_prints_as_matchbox_does() -> None:
    with serve(SITE, "--trust-request") as server:
        for host in HOSTILE:
            ask(server, "ipxe", "raw", host).want(200, f"#!ipxe\nset host {host}\nboot\n")
            ask(server, "generic", "raw", host).want(200, f"host={host}\nend\n")
        ask(server, "cloud", "raw", "a b").want(200, "#cloud-config\nhostname: a b\nlocale: C\n")
