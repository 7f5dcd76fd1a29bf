"""The command line: what it prints, what it leaves behind, and its exit codes."""

import filecmp
import json
import re
from pathlib import Path
from typing import Any

from vesta import (
    ROOT,
    Outcome,
    Scratch,
    Server,
    check,
    check_equal,
    gpg_tool,
    run,
    serve,
    write_site,
)

GOOD: dict[str, Any] = {
    "groups/default.json": {"id": "default", "profile": "base"},
    "groups/one.json": {"id": "one", "profile": "base", "selector": {"mac": "52:54:00:00:00:01"}},
    "profiles/base.json": {"id": "base", "boot": {"kernel": "/k"}, "generic_id": "deep/er/x.txt"},
    "generic/deep/er/x.txt": "x {{.request.raw_query}}\n",
    "ignition/empty.ign": '{"ignition":{"version":"3.4.0"}}',
}
BROKEN: dict[str, Any] = {
    **GOOD,
    "groups/bad-mac.json": {"id": "bad-mac", "profile": "base", "selector": {"mac": "zz"}},
    "groups/duplicate.json": '{\n  "id": "duplicate",\n  "id": "duplicate"\n}\n',
    "profiles/syntax.json": '{\n  "id": "syntax",\n  "boot": {]\n}\n',
    "profiles/types.json": {"id": "types", "boot": {"kernel": 1, "args": "x"}},
    "generic/open.txt": "one\n  {{if .x}\n",
    "cloud/sub/func.yaml": "#cloud-config\na: {{nothing .x}}\n",
    "ignition/broken.ign": '{"ignition":',
}
WRONG = {
    "groups/bad-mac.json": None,
    "groups/duplicate.json": (3, None),
    "profiles/syntax.json": (3, None),
    "profiles/types.json": None,
    "generic/open.txt": (2, None),
    "cloud/sub/func.yaml": (2, 6),
    "ignition/broken.ign": None,  # the text ends too early: there is no place
}


def start() -> Server:
    return serve(GOOD)


def findings(outcome: Outcome) -> dict[str, list[tuple[int, int, str]]]:
    """The errors on stderr by file: line and column (0: not said) and message."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for line in outcome.err.splitlines():
        match = re.fullmatch(r"([^ :]+):(?:(\d+):(\d+):)? error: (.+)", line)
        if match:
            place = (int(match[2] or 0), int(match[3] or 0), match[4])
            found.setdefault(match[1], []).append(place)
    return found


def export(data: Path, to: Path) -> Path:
    run("export", "--data-path", data, to).want(0)
    return to


def files_of(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def check_same(a: Path, b: Path) -> None:
    check_equal(files_of(a), files_of(b), "the files")
    _, different, odd = filecmp.cmpfiles(a, b, files_of(a), shallow=False)
    check(not different and not odd, f"files that differ: {different + odd}")


# --- import and export -----------------------------------------------------------------------------


def test_import_lists_everything_and_imports_nothing() -> None:
    with Scratch() as tmp:
        data, site = tmp / "data", write_site(tmp / "site", BROKEN)
        outcome = run("import", "--data-path", data, site).want(1)
        found = findings(outcome)
        check_equal(set(found), set(WRONG), "files with errors")
        for file, place in WRONG.items():
            line, column, _ = found[file][0]
            if place:
                check_equal(line, place[0], f"line in {file}")
                check(column > 0 and place[1] in (None, column), f"column {column} in {file}")
        check_equal(len(found["profiles/types.json"]), 2, "errors in profiles/types.json")
        check("nothing was imported" in outcome.err, outcome.err)
        check_equal(files_of(export(data, tmp / "out")), [], "the site after a refused import")


def test_import_skips_what_is_invalid_and_names_it() -> None:
    with Scratch() as tmp:
        data, site = tmp / "data", write_site(tmp / "site", BROKEN)
        outcome = run("import", "--data-path", data, "--skip-invalid", site).want(0)
        check_equal(set(findings(outcome)), set(WRONG), "files that are named")
        check("left out 6" in outcome.out, outcome.out)
        # A raw Ignition config stays, so that machines get a 500 and try again.
        want = sorted([*GOOD, "ignition/broken.ign"])
        check_equal(files_of(export(data, tmp / "out")), want, "the site")


def test_dry_run_writes_nothing() -> None:
    with Scratch() as tmp:
        data, site = tmp / "data", write_site(tmp / "site", GOOD)
        outcome = run("import", "--data-path", data, "--dry-run", site).want(0)
        check("would import 2 groups, 1 profiles, 2 templates" in outcome.out, outcome.out)
        check(not data.exists(), "the data path was made")
        run("import", "--data-path", data, site).want(0)
        before = export(data, tmp / "before")
        write_site(site, {"groups/two.json": {"profile": "base", "selector": {"n": "2"}}})
        outcome = run("import", "--data-path", data, "--dry-run", site).want(0)
        check("3 groups" in outcome.out, outcome.out)
        check_same(before, export(data, tmp / "after"))
        write_site(site, {"generic/bad.txt": "{{"})
        run("import", "--data-path", data, "--dry-run", site).want(1)


def test_what_is_exported_imports_as_the_same() -> None:
    with Scratch() as tmp:
        for name, site in [
            ("sample", ROOT / "data"),
            ("matchbox", ROOT / "tests" / "conformance" / "matchbox" / "data"),
        ]:
            first, second = tmp / name / "first", tmp / name / "second"
            (tmp / name).mkdir()
            run("import", "--data-path", first, "--skip-invalid", site).want(0)
            once = export(first, tmp / name / "once")
            check(len(files_of(once)) > 10, "the site is almost empty")
            run("import", "--data-path", second, "--skip-invalid", once).want(0)
            check_same(once, export(second, tmp / name / "twice"))


def test_import_merges_and_never_prunes() -> None:
    with Scratch() as tmp:
        data = tmp / "data"
        run("import", "--data-path", data, write_site(tmp / "site", GOOD)).want(0)
        more = {
            "groups/one.json": {"id": "one", "name": "changed", "profile": "base"},
            "profiles/other.json": {"id": "other"},
        }
        outcome = run("import", "--data-path", data, write_site(tmp / "more", more)).want(0)
        # "one" has lost its selector, so there are two default groups now.
        check("default" in outcome.err and "one" in outcome.err, f"no warning: {outcome.err}")
        out = export(data, tmp / "out")
        check_equal(files_of(out), sorted([*GOOD, "profiles/other.json"]), "the site")
        check_equal(json.loads((out / "groups/one.json").read_text())["name"], "changed", "name")


def test_export_refuses_a_folder_in_use(server: Server) -> None:
    with Scratch() as tmp:
        (tmp / "mine").write_text("mine")
        outcome = run("export", "--data-path", server.data, tmp).want(1)
        check("not empty" in outcome.err, outcome.err)
        check_equal(files_of(tmp), ["mine"], "the files")


def test_import_of_what_is_no_site() -> None:
    with Scratch() as tmp:
        for folder in (tmp / "none", tmp):
            outcome = run("import", "--data-path", tmp / "data", folder).want(1)
            check(str(folder) in outcome.err, outcome.err)


def test_import_does_not_follow_links_out() -> None:
    with Scratch() as tmp:
        site = write_site(tmp / "site", GOOD)
        (site / "generic" / "passwd").symlink_to("/etc/passwd")
        (site / "generic" / "in").symlink_to("deep/er/x.txt")
        outcome = run("import", "--data-path", tmp / "data", "--skip-invalid", site).want(0)
        check("generic/passwd" in outcome.err, outcome.err)
        check_equal(
            files_of(export(tmp / "data", tmp / "out")), sorted([*GOOD, "generic/in"]), "site"
        )


# --- keys ------------------------------------------------------------------------------------------


def test_keygen_and_verify() -> None:
    with Scratch() as tmp:
        key = tmp / "new.key"
        outcome = run("keygen", "--out", key, "--user-id", "Test <t@example.com>").want(0)
        check(re.match(r"[0-9A-F]{40}  Test <t@example\.com>\n", outcome.out), outcome.out)
        check_equal(oct(key.stat().st_mode & 0o777), oct(0o600), "mode of the key")
        run("keygen", "--out", key).want(1)
        run("keygen", "rsa").want(2)
        data = tmp / "data"
        data.mkdir()
        key.rename(data / "signing.key")
        run("import", "--data-path", data, write_site(tmp / "site", GOOD)).want(0)
        with Server(data) as server:
            (tmp / "body").write_bytes(server.get("/generic?a=b").want(200).body)
            for form in ("sig", "asc"):
                signature = server.get(f"/generic.{form}?a=b").want(200).body
                (tmp / form).write_bytes(signature)
            (tmp / "key.asc").write_bytes(server.get("/key.asc").want(200).body)
        shown = gpg_tool("gpg", "--homedir", tmp, "--batch", "--show-keys", tmp / "key.asc")
        check(outcome.out.split()[0] in shown.stdout.decode(), shown.stdout.decode())
        for form in ("sig", "asc"):
            for how in (["--data-path", data], ["--key", tmp / "key.asc"]):
                good = run("verify", *how, tmp / "body", tmp / form).want(0)
                check("good signature" in good.out, good.out)
        (tmp / "body").write_bytes(b"x a=c\n")
        bad = run("verify", "--data-path", data, tmp / "body", tmp / "sig").want(1)
        check("BAD signature" in bad.err and not bad.out, bad.err + bad.out)
        run("verify", "--data-path", data, tmp / "body", tmp / "body").want(1)
        run("verify", "--data-path", data, tmp / "none", tmp / "sig").want(1)
        run("keygen", "--out", tmp / "other.key").want(0)
        (tmp / "body").write_bytes(b"x a=b\n")
        run("verify", "--data-path", data, tmp / "body", tmp / "sig").want(0)
        run("verify", "--key", tmp / "other.key", tmp / "body", tmp / "sig").want(1)


# --- usage -----------------------------------------------------------------------------------------


def test_version_and_help() -> None:
    for name in ("version", "--version", "-version"):
        check(re.fullmatch(r"vesta \S+ \(\S+\)\n", run(name).want(0).out), "the version")
    check("usage: vesta" in run("--help").want(0).out, "the help")
    for command in (
        "serve",
        "import",
        "export",
        "get",
        "put",
        "delete",
        "health",
        "keygen",
        "verify",
    ):
        outcome = run(command, "--help").want(0)
        check(f"usage: vesta {command}" in outcome.out, outcome.out)


def test_wrong_usage() -> None:
    wrong: list[list[str]] = [
        [],
        ["nothing"],
        ["serve", "--nothing"],
        ["serve", "extra"],
        ["serve", "--address"],
        ["import"],
        ["import", "--nothing", "x"],
        ["import", "--dry-run=perhaps", "x"],
        ["export", "a", "b"],
        ["get"],
        ["get", "things"],
        ["get", "groups", "--output", "xml"],
        ["put", "group", "x"],
        ["delete", "group"],
        ["health", "x"],
        ["keygen", "--nothing"],
        ["verify", "x"],
        ["version", "x"],
    ]
    for args in wrong:
        outcome = run(*args).want(2)
        check(outcome.err and not outcome.out, f"{args}: stdout {outcome.out!r}")


def test_serve_refuses_settings_that_cannot_be() -> None:
    with Scratch() as tmp:
        for flags in (
            ["--log-level", "loud"],
            ["--log-format", "xml"],
            ["--address", "nowhere"],
            ["--address", "127.0.0.1:99999"],
            ["--api-address", "0.0.0.0:0"],
        ):
            outcome = run("serve", "--data-path", tmp / "data", *flags).want(1)
            check(flags[1] in outcome.err or flags[0] in outcome.err, outcome.err)


def test_environment_and_flags(server: Server) -> None:
    with Scratch() as tmp:
        site = write_site(tmp / "site", GOOD)
        run("import", site, env={"VESTA_DATA_PATH": str(tmp / "a")}).want(0)
        check((tmp / "a" / "vesta.db").exists(), "VESTA_DATA_PATH has no effect")
        run("import", "--data-path", tmp / "b", site, env={"VESTA_DATA_PATH": str(tmp / "c")}).want(
            0
        )
        check((tmp / "b").exists() and not (tmp / "c").exists(), "a flag does not win")
        token = {"VESTA_SERVER": server.api_url, "VESTA_TOKEN": server.token}
        run("get", "groups", "--data-path", tmp, env=token).want(0)
        run("get", "groups", "--data-path", tmp, env={**token, "VESTA_TOKEN": "wrong"}).want(1)


# --- with a server ---------------------------------------------------------------------------------


def test_get_put_delete(server: Server) -> None:
    with Scratch() as tmp:
        here = ["--data-path", server.data]
        (tmp / "group").write_text('{"profile":"base","selector":{"case":"cli"}}')
        (tmp / "text").write_bytes(b"hello {{.request.raw_query}}")
        check_equal(
            run("put", "template", "generic/cli.txt", tmp / "text", *here).want(0).out,
            "template generic/cli.txt created\n",
            "stdout",
        )
        run("put", "template", "generic/cli.txt", tmp / "text", *here).want(0)
        (tmp / "cloud").write_text("#cloud-config\nruncmmd: []\n")
        warned = run("put", "template", "cloud/odd", tmp / "cloud", "-q", *here).want(0)
        check(warned.err.startswith('2:1: warning: "runcmmd" is no key'), warned.err)
        run("delete", "template", "cloud/odd", *here).want(0)
        (tmp / "profile").write_text('{"generic_id":"cli.txt"}')
        run("put", "profile", "cli", tmp / "profile", *here).want(0)
        (tmp / "group").write_text('{"profile":"cli","selector":{"case":"cli"}}')
        run("put", "group", "cli", tmp / "group", *here).want(0)
        server.get("/generic?case=cli").want(200, "hello case=cli")
        group = json.loads(run("get", "group", "cli", *here).want(0).out)
        check_equal((group["id"], group["profile"]), ("cli", "cli"), "id and profile")
        check_equal(
            run("get", "template", "generic/cli.txt", *here).out.encode(),
            (tmp / "text").read_bytes(),
            "the template",
        )
        names = run("get", "groups", "-o", "name", *here).want(0).out.split()
        check_equal(names, ["cli", "default", "one"], "names")
        lines = run("get", "groups", "-o", "json", *here).want(0).out.splitlines()
        check_equal([json.loads(x)["id"] for x in lines], names, "ids")
        check(
            re.search(r"^one +base +mac=52:54", run("get", "groups", *here).out, re.M), "the table"
        )
        check("generic/cli.txt" in run("get", "templates", *here).want(0).out, "the templates")
        used = run("delete", "profile", "cli", *here).want(1)
        check("cli" in used.err, used.err)
        for what in (["group", "cli"], ["profile", "cli"], ["template", "generic/cli.txt"]):
            run("delete", *what, *here).want(0)
        run("delete", "group", "cli", *here).want(1)
        run("get", "group", "cli", *here).want(1)


def test_put_shows_why_it_was_refused(server: Server) -> None:
    with Scratch() as tmp:
        here = ["--server", server.api_url, "--data-path", server.data]
        (tmp / "group").write_text('{"profile":"gone","selector":{"mac":"x"}}')
        outcome = run("put", "group", "refused", tmp / "group", *here).want(1)
        check("/selector/mac" in outcome.err and "MAC" in outcome.err, outcome.err)
        (tmp / "template").write_text("one\n{{end}}\n")
        outcome = run("put", "template", "generic/refused.txt", tmp / "template", *here).want(1)
        check("refused.txt:2:" in outcome.err and ": error: " in outcome.err, outcome.err)
        run("put", "group", "../x", tmp / "group", *here).want(1)
        run("put", "group", "refused", tmp / "none", *here).want(1)


def test_put_of_the_largest_template(server: Server) -> None:
    with Scratch() as tmp:
        here = ["--data-path", server.data]
        (tmp / "large").write_bytes(b"x" * (2 << 20))
        run("put", "template", "generic/large.txt", tmp / "large", *here).want(0)
        check_equal(
            len(run("get", "template", "generic/large.txt", *here).out), 2 << 20, "its size"
        )
        (tmp / "large").write_bytes(b"x" * ((2 << 20) + 1))
        outcome = run("put", "template", "generic/large.txt", tmp / "large", *here).want(1)
        check("large" in outcome.err, outcome.err)
        run("delete", "template", "generic/large.txt", *here).want(0)


def test_health(server: Server) -> None:
    run("health", "--data-path", server.data).want(0)
    run("health", "--server", server.boot_url).want(0)
    run("health", "--server", server.api_url).want(0)
    with Scratch() as tmp:
        outcome = run("health", "--data-path", tmp).want(1)
        check(str(tmp) in outcome.err, outcome.err)
    with serve(GOOD) as other:
        other.kill()
        run("health", "--data-path", other.data).want(1)
        run("health", "--server", other.boot_url).want(1)
