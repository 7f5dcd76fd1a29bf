"""The command line as people meet it: help, the manual, completion in shells, editing."""

import os
import pty
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from vesta import (
    BINARY,
    DEADLINE,
    Outcome,
    Scratch,
    Server,
    check,
    check_equal,
    clean_environment,
    run,
    serve,
)

SITE: dict[str, Any] = {
    "groups/one.json": {"profile": "base", "selector": {"mac": "52:54:00:00:00:01"}},
    "profiles/base.json": {"boot": {"kernel": "/k"}},
    "generic/text.txt": "before\n",
}


def start() -> Server:
    return serve(SITE)


def commands() -> list[str]:
    """The names of all commands, from the usage."""
    usage = run("--help").want(0).out
    names = re.findall(r"^  ([a-z-]+) ", usage, re.M)
    check(len(names) > 15 and "explain" in names, usage)
    return names


def flags_of(command: str) -> set[str]:
    """Its flags, from its help."""
    return set(re.findall(r"^  (--?[a-z-]+)", run(command, "--help").want(0).out, re.M))


# --- help and the manual ---------------------------------------------------------------------------


def test_every_command_helps_with_examples() -> None:
    for name in commands():
        text = run(name, "--help").want(0).out
        check(text.startswith(f"usage: vesta {name}"), text)
        examples = text.partition("\nexamples:\n")[2].splitlines()
        check(examples, f"{name} has no example")
        for example in examples:
            check(f"vesta {name}" in example, f"an example of {name}: {example}")
            used = set(re.findall(r" (--?[a-z][a-z-]*)", example))
            check(used <= flags_of(name), f"flags that {name} has not: {example}")


def test_the_manual_has_everything() -> None:
    page = run("man").want(0).out
    plain = page.replace("\\-", "-")
    for name in commands():
        check(f"\n.SS vesta {name}" in page, f"{name} is not in the manual")
        for flag in flags_of(name):
            check(f"\\fB{flag}\\fR" in plain, f"{flag} of {name} is not in the manual")
    if not shutil.which("groff"):
        return
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"],
        input=page.encode(),
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    check(done.returncode == 0 and not done.stderr, done.stderr.decode())


# --- completion ------------------------------------------------------------------------------------


def completion(shell: str, tmp: Path) -> Path:
    script = tmp / f"vesta.{shell}"
    script.write_text(run("completion", shell).want(0).out)
    done = subprocess.run([shell, "-n", script], capture_output=True, timeout=DEADLINE, check=False)
    check(done.returncode == 0 and not done.stderr, f"{shell} -n: {done.stderr.decode()}")
    return script


def shell_output(shell: str, script: str) -> list[str]:
    done = subprocess.run([shell, "-c", script], capture_output=True, timeout=DEADLINE, check=False)
    check(done.returncode == 0 and not done.stderr, f"{shell}: {done.stderr.decode()}")
    return done.stdout.decode().split("\n")[:-1]


def test_bash_completes() -> None:
    with Scratch() as tmp:
        script = completion("bash", tmp)

        def complete(*words: str) -> set[str]:
            line = " ".join(f"'{w}'" for w in ("vesta", *words))
            return set(
                shell_output(
                    "bash",
                    f". {script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _vesta;"
                    ' for w in "${COMPREPLY[@]}"; do echo "$w"; done',
                )
            )

        check_equal(complete(""), set(commands()), "commands")
        check_equal(complete("exp"), {"export", "explain"}, "exp")
        check_equal(complete("get", "pro"), {"profiles"}, "get pro")
        check_equal(complete("get", "groups", "--pr"), {"--profile", "--prefix"}, "get --pr")
        for name in commands():
            check_equal(complete(name, "-"), flags_of(name) | {"--help"}, f"flags of {name}")


def test_other_shells_read_their_scripts() -> None:
    with Scratch() as tmp:
        if shutil.which("zsh"):
            text = completion("zsh", tmp).read_text()
            check(text.startswith("#compdef vesta\n"), text[:100])
            for name in commands():
                check(f"\n    {name})\n" in text, f"{name} is not completed")
        if shutil.which("fish"):
            script = completion("fish", tmp)
            lines = shell_output("fish", f"source {script}; complete -C 'vesta exp'")
            check_equal({x.split("\t")[0] for x in lines}, {"export", "explain"}, "exp")
            lines = shell_output("fish", f"source {script}; complete -C 'vesta get pro'")
            check("profiles" in {x.split("\t")[0] for x in lines}, f"get pro: {lines}")
            lines = shell_output("fish", f"source {script}; complete -C 'vesta get --pro'")
            check("--profile" in {x.split("\t")[0] for x in lines}, f"get --pro: {lines}")
    run("completion", "tcsh").want(2)


# --- colours ---------------------------------------------------------------------------------------


def test_colours_are_for_terminals(server: Server) -> None:
    command = ["explain", "--data-path", str(server.data), "mac=52:54:00:00:00:01"]
    piped = run(*command).want(0).out
    check("\033" not in piped, repr(piped))
    for extra, coloured in [({}, True), ({"NO_COLOR": "1"}, False)]:
        ours, theirs = pty.openpty()
        try:
            subprocess.run(
                [BINARY, *command],
                stdout=theirs,
                timeout=DEADLINE,
                env={**clean_environment(), **extra},
                check=True,
            )
            shown = os.read(ours, 1 << 16).decode()
        finally:
            os.close(ours)
            os.close(theirs)
        check(("\033[32m" in shown) == coloured, repr(shown))
        plain = re.sub("\033\\[[0-9]+m", "", shown).replace("\r\n", "\n")
        check(piped.startswith(plain) or plain == piped, repr(plain))


# --- edit ------------------------------------------------------------------------------------------


def edit(server: Server, tmp: Path, script: str, *args: str) -> Outcome:
    """`vesta edit ARGS` with a shell script as the editor; $1 is the file."""
    editor = tmp / "editor"
    editor.write_text(f"#!/bin/sh\nset -e\nshift\n{script}\n")
    editor.chmod(0o755)
    # The editor has an argument of its own before the file.
    env = {"EDITOR": f"{editor} --some-flag", "TMPDIR": str(tmp)}
    return run("edit", "--data-path", server.data, *args, env=env)


def left_over(tmp: Path) -> list[Path]:
    return [p for p in tmp.rglob("*") if p.is_file() and p.name != "editor"]


def test_edit_stores_what_was_changed(server: Server) -> None:
    with Scratch() as tmp:
        outcome = edit(
            server,
            tmp,
            'case $1 in *.json) ;; *) exit 3;; esac\nsed -i s,/k,/edited, "$1"',
            "profile",
            "base",
            "--message",
            "a new kernel",
        ).want(0)
        check_equal(outcome.out, "profile base changed\n", "stdout")
        kernel = server.api("GET", "/profiles/base").want(200).json()["boot"]["kernel"]
        check_equal(kernel, "/edited", "the kernel")
        edit(server, tmp, 'printf after >"$1"', "-q", "template", "generic/text.txt").want(0)
        check_equal(server.api("GET", "/templates/generic/text.txt").body, b"after", "the template")
        check_equal(left_over(tmp), [], "files that were left")


def test_edit_without_a_change(server: Server) -> None:
    before = server.api("GET", "/groups/one").header("Vesta-Revision")
    with Scratch() as tmp:
        outcome = edit(server, tmp, ":", "group", "one").want(0)
        check_equal(outcome.out, "group one not changed\n", "stdout")
        check_equal(left_over(tmp), [], "files that were left")
    after = server.api("GET", "/groups/one").header("Vesta-Revision")
    check_equal(after, before, "the revision")


def test_edit_keeps_a_refused_text(server: Server) -> None:
    with Scratch() as tmp:
        outcome = edit(server, tmp, 'echo \'{"selector": 1}\' >"$1"', "group", "one").want(1)
        check("/selector: " in outcome.err and "/profile: " in outcome.err, outcome.err)
        kept = left_over(tmp)
        check(len(kept) == 1 and str(kept[0]) in outcome.err, f"{kept}: {outcome.err}")
        check_equal(kept[0].read_text(), '{"selector": 1}\n', "what was kept")
        check_equal(kept[0].stat().st_mode & 0o777, 0o600, "its mode")
    with Scratch() as tmp:
        outcome = edit(server, tmp, "exit 7", "group", "one").want(1)
        check("the editor" in outcome.err, outcome.err)
    with Scratch() as tmp:
        edit(server, tmp, ":", "group", "nobody").want(1)
        edit(server, tmp, ":", "sausage", "one").want(2)


def test_edit_does_not_undo_others(server: Server) -> None:
    with Scratch() as tmp:
        other = f"{BINARY} put -q --data-path {server.data} group one {tmp}/other"
        (tmp / "other").write_text(
            '{"profile":"base","selector":{"mac":"52:54:00:00:00:01"},"name":"theirs"}'
        )
        script = f'{other} </dev/null\nsed -i \'s/"base"/"base", "name": "mine"/\' "$1"'
        outcome = edit(server, tmp, script, "group", "one").want(1)
        check("changed by somebody else" in outcome.err, outcome.err)
        check_equal(server.api("GET", "/groups/one").json()["name"], "theirs", "the name")


def test_edit_offers_to_try_again(server: Server) -> None:
    with Scratch() as tmp:
        editor = tmp / "editor"
        # At first what is no JSON, then what is.
        editor.write_text(
            f"#!/bin/sh\nif [ -e {tmp}/again ]; then\n"
            '  echo \'{"profile":"base","name":"second"}\' >"$1"\n'
            f'else\n  echo "{{" >"$1"; touch {tmp}/again\nfi\n'
        )
        editor.chmod(0o755)
        # The second time it is also asked whether to apply what is shown.
        for answer, code in [(b"n\n", 1), (b"y\nn\n", 1), (b"y\ny\n", 0)]:
            (tmp / "again").unlink(missing_ok=True)
            done = on_terminal(server, tmp, editor, answer)
            check_equal(done.returncode, code, f"exit code after {answer!r}: {done.stderr!r}")
            check(b"Edit it again? [Y/n]" in done.stderr, repr(done.stderr))
            shown = b'+  "name": "second"' in done.stdout and b"1 to change" in done.stdout
            check_equal(shown, answer.startswith(b"y"), f"the plan after {answer!r}: {done.stdout!r}")
        check_equal(server.api("GET", "/groups/one").json()["name"], "second", "the name")


def on_terminal(
    server: Server, tmp: Path, editor: Path, answer: bytes
) -> "subprocess.CompletedProcess[bytes]":
    """`vesta edit group one` with a terminal as its input, on which answer is typed."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer)
        return subprocess.run(
            [BINARY, "edit", "--data-path", str(server.data), "group", "one"],
            stdin=theirs,
            capture_output=True,
            timeout=DEADLINE,
            env={**clean_environment(), "VISUAL": str(editor), "TMPDIR": str(tmp)},
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
