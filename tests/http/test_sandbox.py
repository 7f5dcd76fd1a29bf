"""The running server has given up what it does not need, and all that it does goes on working.

What the sandbox refuses is tried by tests/unit/sandbox; that nothing is missing from its list is
checked whenever a test stops a server: a refused call is in the log.
"""

import os
import pwd
import re
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, Optional

import vesta
from vesta import Scratch, Server, check, check_equal, run, serve, wait_answer, wait_for, write_site

SITE: dict[str, Any] = {
    "groups/base.json": {"id": "base", "profile": "base"},
    "profiles/base.json": {"id": "base", "generic_id": "base.txt", "boot": {"kernel": "/k"}},
    "generic/base.txt": "base\n",
}


def statuses(pid: int) -> list[dict[str, str]]:
    """/proc/PID/task/*/status: one for each thread."""
    texts = [p.read_text() for p in Path(f"/proc/{pid}/task").glob("*/status")]
    return [dict(line.split(":\t", 1) for line in t.splitlines() if ":\t" in t) for t in texts]


def core_limit(pid: int) -> list[str]:
    for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
        if line.startswith("Max core file size"):
            return line.split()[4:6]
    raise vesta.Failure("no limit of core files")


def test_every_thread_is_inside() -> None:
    with serve(SITE, assets={"kernel": "kernel"}) as server:
        server.get("/assets/kernel").want(200, "kernel")
        # A thread of its own, started when the sandbox was closed.
        with vesta.Connection(server.api_port) as c:
            c.request("/healthz").want(200)
            threads = statuses(server.pid)
            check(len(threads) > 4, f"threads: {len(threads)}")
            for t in threads:
                check_equal((t["NoNewPrivs"], t["Seccomp"]), ("1", "2"), t["Name"])
                capabilities = int(t["CapPrm"], 16) | int(t["CapEff"], 16)
                check_equal(capabilities & ~0b1011, 0, "capabilities beyond those for files")
        check_equal(core_limit(server.pid), ["0", "0"], "core file size")
        wait_for(lambda: "sandbox-on" in server.log(), "the log to tell")
        check("seccomp=on landlock=" in server.log(), server.log())


def test_it_can_be_switched_off_by_name() -> None:
    with serve(SITE, "--no-sandbox") as server:
        server.get("/generic").want(200, "base\n")
        for t in statuses(server.pid):
            check_equal((t["NoNewPrivs"], t["Seccomp"]), ("0", "0"), t["Name"])
        wait_for(lambda: "sandbox-off" in server.log(), "the log to tell")
        check(" warn sandbox-off " in server.log(), server.log())
        check("reason=--no-sandbox" in server.log(), server.log())


# --- another user ----------------------------------------------------------------------------------

NOBODY = pwd.getpwnam("nobody")


def privileged_port() -> Optional[int]:
    for port in range(600, 1024):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    return None


def check_user(pid: int) -> None:
    for t in statuses(pid):
        check_equal(t["Uid"].split(), [str(NOBODY.pw_uid)] * 4, "users")
        check_equal(t["Gid"].split(), [str(NOBODY.pw_gid)] * 4, "groups")
        check_equal((int(t["CapPrm"], 16), int(t["CapEff"], 16)), (0, 0), "capabilities")


def test_root_becomes_a_user() -> None:
    """With what root's commands left in the data path, and on a port that only root may open."""
    if os.geteuid() != 0:
        return
    port = privileged_port()
    with Scratch() as tmp:
        tmp.chmod(0o755)
        site = write_site(tmp / "site", SITE)
        run("import", "--data-path", tmp / "data", site).want(0)
        write_site(tmp / "data" / "assets", {"kernel": "kernel"})
        flags = ["--user", "nobody"] + (["--address", f"127.0.0.1:{port}"] if port else [])
        with Server(tmp / "data", tuple(flags)) as server:
            check_user(server.pid)
            if port:
                check_equal(server.boot_port, port, "port")
            server.get("/generic").want(200, "base\n")
            server.get("/assets/kernel").want(200, "kernel")
            server.api("PUT", "/templates/generic/base.txt", b"by the API\n").want(200)
            server.get("/generic").want(200, "by the API\n")
            for path in (tmp / "data").iterdir():
                if path.name != "assets":
                    check_equal(path.stat().st_uid, NOBODY.pw_uid, f"owner of {path.name}")
            # Root's commands beside it.
            site = write_site(site, {"generic/base.txt": "by root\n"})
            run("import", "--data-path", tmp / "data", site).want(0)
            wait_answer(server, "/generic", "by root\n", vesta.DEADLINE)
            run("backup", "--data-path", tmp / "data", tmp / "copy.db").want(0)
            server.api("PUT", "/templates/generic/base.txt", b"and again\n").want(200)
        with Server(tmp / "data", ("--user", "nobody")) as server:
            server.get("/generic").want(200, "and again\n")


def test_users_that_cannot_be() -> None:
    with Scratch() as tmp:
        data = tmp / "data"
        more = ["--address", "127.0.0.1:0", "--api-address", "127.0.0.1:0", "--data-path", data]
        none = run("serve", "--user", "no-such-user", *more).want(1)
        check('there is no user "no-such-user"' in none.err, none.err)
        check(not data.exists(), "the data path was made")
        if os.geteuid() == 0:
            # The folder above is root's alone.
            far = run("serve", "--user", "nobody", *more).want(1)
            check("cannot be used by the user nobody" in far.err and str(data) in far.err, far.err)


def test_root_without_a_user_is_warned_of() -> None:
    if os.geteuid() != 0:
        return
    try:
        pwd.getpwnam("vesta")
        return
    except KeyError:
        pass
    with serve(SITE, "--user", "") as server:
        wait_for(lambda: "runs-as-root" in server.log(), "a warning")
        server.get("/generic").want(200, "base\n")


# --- systemd ---------------------------------------------------------------------------------------

UNIT = vesta.ROOT / "cmd" / "vesta" / "vesta.service"


def systemd_analyze(*args: object) -> "subprocess.CompletedProcess[str]":
    command = ["systemd-analyze", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_systemd_unit() -> None:
    """systemd knows every word of it, and finds next to nothing that it leaves open."""
    check(shutil.which("systemd-analyze"), "systemd-analyze is not installed: `make deps`")
    with Scratch() as tmp:
        text = UNIT.read_text().replace("/usr/local/bin/vesta serve", f"{vesta.BINARY} serve")
        (tmp / "vesta.service").write_text(text)
        done = systemd_analyze("verify", "--man=no", tmp / "vesta.service")
        check_equal((done.returncode, done.stderr), (0, ""), "systemd-analyze verify")
        # The exposure in tenths; 96 for a unit without any of it.
        done = systemd_analyze(
            "security", "--offline=true", "--threshold=16", tmp / "vesta.service"
        )
        check_equal(done.returncode, 0, f"exposure: {done.stdout[-200:]}")


def test_the_systemd_unit_lets_the_server_make_its_calls() -> None:
    """What seccomp lets through must pass systemd's list too, which is in force before."""
    source = (vesta.ROOT / "cmd" / "vesta" / "sandbox_calls.c").read_text()
    ours = set(re.findall(r"C\((\w+)\)", source.split("allowed_sanitized")[0])) - {"name"}
    groups: dict[str, set[str]] = {}
    for line in systemd_analyze("syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            groups[line] = set()
        elif line.startswith("    ") and not line.strip().startswith("#"):
            groups[list(groups)[-1]].add(line.strip())
    check(len(groups) > 10, "no groups of system calls")

    def expand(names: list[str]) -> set[str]:
        calls: set[str] = set()
        for name in names:
            calls |= expand(sorted(groups[name])) if name.startswith("@") else {name}
        return calls

    passed: set[str] = set()
    for words in re.findall(r"(?m)^SystemCallFilter=(.*)$", UNIT.read_text()):
        if words.startswith("~"):
            passed -= expand(words[1:].split())
        else:
            passed |= expand(words.split())
    # SQLite asks for it as root only.
    check_equal(ours - passed, {"fchown"}, "calls that systemd would refuse")
    check("execve" in passed and "mount" not in passed, "the list is not what it seems")
