"""`vesta template` and `vesta functions`: for authors, without a server."""

import re
from pathlib import Path
from typing import Any, Union

import vesta
from vesta import Outcome, Scratch, check, check_equal

ROOT = Path(__file__).resolve().parents[2]


def render(
    template: Union[str, bytes], data: Any = None, *flags: str, name: str = "data.yaml"
) -> Outcome:
    """Renders the text as a file t with the data as a file; paths in messages are relative."""
    with Scratch() as scratch:
        files = {"t": template}
        if data is not None:
            files[name] = data
            flags = ("--data", name, *flags)
        vesta.write_site(scratch, files)
        return vesta.run("template", "t", *flags, cwd=scratch)


def test_data_is_yaml_or_json() -> None:
    text = "{{.a.b}} {{range .l}}[{{.}}]{{end}} {{.n}}\n"
    for name, data in (
        ("d.yaml", "a: {b: x}\nl:\n- 1\n- yes\n- '2'\nn: 1234567\n"),
        ("d.json", '{"a":{"b":"x"},"l":[1,"yes","2"],"n":1234567}'),
        ("data", '\n\t{"a":{"b":"x"},"l":[1,"yes","2"],"n":1234567}'),
        ("data", "n: 1234567\na: &a {b: x}\nl: [1, 'yes', '2']\n"),
    ):
        check_equal(render(text, data, name=name).want(0).out, "x [1][yes][2] 1.234567e+06\n", data)
    check_equal(render("{{len .}}").want(0).out, "0", "without data")
    check_equal(render("{{len .}}", "").want(0).out, "0", "with empty data")


def test_errors_show_their_line() -> None:
    for text, place, shown in (
        ("a\n\tb {{.gone}} c\n", "t:2:6: error: ", "\tb {{.gone}} c\n\t    ^\n"),
        ("\u00e9 {{.gone}}", "t:1:6: error: ", "\u00e9 {{.gone}}\n    ^\n"),
        ("x\n{{if}}\ny", "t:2:5: error: ", "{{if}}\n    ^\n"),
        ("{{nope 1}}", "t:1:3: error: ", "{{nope 1}}\n  ^\n"),
        ("{{if 1}}\n", "t:2:1: error: ", "\n^\n"),
    ):
        done = render(text, "a: 1\n").want(1)
        check_equal(done.out, "", "the output")
        head, rest = done.err.split("\n", 1)
        check(head.startswith(place), f"{text!r}: {done.err}")
        check_equal(rest, shown, "the line and the caret")


def test_errors_in_the_data_show_their_line() -> None:
    for name, data in (("d.yaml", "a: 1\nb: [1\nc: 2\n"), ("d.json", '{"a":1,\n"a":2}')):
        done = render("x", data, name=name).want(1)
        head, line, caret, end = done.err.split("\n")
        check(re.match(rf"{name}:[23]:\d+: error: ", head), done.err)
        check(line in data.split("\n") and re.fullmatch(" *\\^", caret) and not end, done.err)


def test_a_terminal_is_not_steered_by_a_template() -> None:
    done = render("\x1b[2J{{.gone}}").want(1)
    check("\x1b" not in done.err, repr(done.err))


def test_kind_decides_what_a_request_may_bring() -> None:
    data = "request: {query: {host: 'a b'}}\n"
    text = "{{.request.query.host}}"
    for kind in (
        "ipxe",
        "grub",
        "pxelinux",
        "cloud",
        "ignition",
        "meta-data",
        "network-config",
        "vendor-data",
    ):
        done = render(text, data, "--kind", kind).want(1)
        check(".request.query.host" in done.err and "a b" not in done.err, done.err)
        check_equal(render(text, data, "--kind", kind, "--trust-request").want(0).out, "a b", kind)
    check_equal(render(text, data).want(0).out, "a b", "generic")
    check_equal(
        render("{{toJson .request.query.host}}", data, "--kind", "cloud").want(0).out,
        '"a b"',
        "toJson",
    )
    check_equal(
        render("{{grubquote .request.query.host}}", data, "--kind", "grub").want(0).out,
        "'a b'",
        "grubquote",
    )
    check_equal(
        render("#!/bin/sh\n{{toJson .request.query.host}}", data, "--kind", "cloud").code,
        1,
        "a script",
    )
    check_equal(
        render("{{.host}}", "host: a b\n", "--kind", "ipxe").want(0).out, "a b", "no request"
    )
    check_equal(
        render('{{index .request.query "x"}}.', data, "--kind", "ipxe").want(0).out,
        ".",
        "a string map",
    )


def test_wrong_usage() -> None:
    vesta.run("template").want(2)
    vesta.run("template", "a", "b").want(2)
    vesta.run("template", "-", "--data", "-").want(2)
    done = vesta.run("template", "t", "--kind", "nonsense").want(2)
    check("network-config" in done.err and "files" not in done.err, done.err)
    vesta.run("template", "t", "--kind", "files").want(2)
    vesta.run("template", "/nonexistent/t").want(1)
    render("x", None, "--data", "/nonexistent/d").want(1)
    vesta.run("functions", "x").want(2)


def test_limits_hold() -> None:
    check("the steps limit" in render("{{range 1000000000}}{{end}}").want(1).err, "steps")
    check("2097152" in render(b"x" * (2 * 1024 * 1024 + 1)).want(1).err, "source")


def test_functions_are_documented() -> None:
    page = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    check_equal(vesta.run("functions", "--markdown").want(0).out, page, "docs/functions.md")
    lines = vesta.run("functions").want(0).out.splitlines()
    check(len(lines) > 70, f"{len(lines)} functions")
    for line in lines:
        name = line.split()[0]
        check(f" {name} " in line[11:] + " " or f" {name}:" in line, f"no documentation: {line}")
        check(f"| `{name}" in page, f"docs/functions.md has no {name}")


def test_no_function_reads_the_world() -> None:
    names = {line.split()[0] for line in vesta.run("functions").want(0).out.splitlines()}
    unsafe = {
        "env",
        "expandenv",
        "now",
        "date",
        "randAlphaNum",
        "genPrivateKey",
        "getHostByName",
        "tpl",
        "include",
        "readFile",
        "uuidv4",
    }
    check(not names & unsafe, f"{names & unsafe}")
