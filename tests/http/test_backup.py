"""Backup while a server runs, restore while none does."""

import re
import signal
import sqlite3
import subprocess
import threading
from pathlib import Path
from typing import Any

import vesta
from vesta import Scratch, check, check_equal, run, serve, wait_for, write_site

SITE: dict[str, Any] = {
    "groups/base.json": {"id": "base", "profile": "base"},
    "profiles/base.json": {"id": "base", "generic_id": "base.txt"},
    "generic/base.txt": "from the backup\n",
}


def test_backup_and_restore() -> None:
    with Scratch() as tmp, serve(SITE) as server:
        file = tmp / "backup.db"
        server.api("POST", "/tokens", {"name": "old", "role": "read"}).want(201)
        run("backup", "--data-path", server.data, file).want(0)
        check_equal(file.stat().st_mode & 0o777, 0o600, "its mode")
        again = run("backup", "--data-path", server.data, file).want(1)
        check("there already" in again.err, again.err)
        server.api("PUT", "/templates/generic/base.txt", b"later\n").want(200)
        server.get("/generic").want(200, "later\n")
        refused = run("restore", "--data-path", server.data, file).want(1)
        check("a server runs on" in refused.err and "stop it first" in refused.err, refused.err)
        server.get("/generic").want(200, "later\n")
        server.stop()
        outcome = run("restore", "--data-path", server.data, file).want(0)
        check("revision 1\n" in outcome.out, outcome.out)
        kept = re.search(r"is now (.*\.before-\d{8}-\d{6}Z)\n", outcome.out)
        check(kept, outcome.out)
        server.start()
        server.get("/generic").want(200, "from the backup\n")
        names = [t["name"] for t in server.api("GET", "/tokens").want(200).json()["items"]]
        check_equal(sorted(names), ["admin", "old"], "tokens")
        server.api("PUT", "/templates/generic/base.txt", b"goes on\n").want(200)
        server.get("/generic").want(200, "goes on\n")
        assert kept
        with sqlite3.connect(kept[1]) as db:
            row = db.execute("SELECT body FROM templates").fetchone()
        check_equal(row, (b"later\n",), "the database that was there")


def test_restore_into_a_new_data_path() -> None:
    with Scratch() as tmp, serve(SITE) as server:
        file = tmp / "backup.db"
        run("backup", "--data-path", server.data, file).want(0)
        outcome = run("restore", "--data-path", tmp / "new", file).want(0)
        check("is now" not in outcome.out, outcome.out)
        run("export", "--data-path", tmp / "new", tmp / "site").want(0)
        check_equal((tmp / "site/generic/base.txt").read_text(), SITE["generic/base.txt"])


def test_a_locked_database_is_not_replaced() -> None:
    """A process that has it open, and no server.json to say so."""
    with Scratch() as tmp, serve(SITE) as server:
        file = tmp / "backup.db"
        run("backup", "--data-path", server.data, file).want(0)
        (server.data / "server.json").unlink()
        refused = run("restore", "--data-path", server.data, file).want(1)
        check("another process has the database open" in refused.err, refused.err)
        server.get("/generic").want(200, "from the backup\n")
        left = [p.name for p in server.data.iterdir() if "restore" in p.name or "before" in p.name]
        check_equal(left, [], "what was left behind")


def test_what_is_no_backup_is_refused() -> None:
    with Scratch() as tmp, serve(SITE) as server:
        server.stop()
        before = (server.data / "vesta.db").read_bytes()
        wrong: dict[str, tuple[Path, str]] = {}
        for name, content, words in [
            ("text", b"hello" * 1000, "no backup of Vesta"),
            ("empty", b"", "the file is empty"),
            ("cut", before[: len(before) // 2], "no backup of Vesta"),
        ]:
            (tmp / name).write_bytes(content)
            wrong[name] = (tmp / name, words)
        with sqlite3.connect(tmp / "other.db") as db:
            db.execute("CREATE TABLE t (a)")
        wrong["other"] = (tmp / "other.db", "another program")
        wrong["missing"] = (tmp / "missing", "cannot read it")
        wrong["folder"] = (tmp, "not a file")
        for name, (file, words) in wrong.items():
            outcome = run("restore", "--data-path", server.data, file).want(1)
            check(words in outcome.err and str(file) in outcome.err, f"{name}: {outcome.err}")
        check_equal((server.data / "vesta.db").read_bytes() == before, True, "unchanged")
        run("backup", "--data-path", tmp / "nowhere", tmp / "x").want(1)
        run("backup").want(2)
        run("restore").want(2)


def test_backup_under_writes() -> None:
    with Scratch() as tmp, serve(SITE) as server:
        stop = threading.Event()
        written = [0]

        def write() -> None:
            while not stop.is_set():
                n = written[0] + 1
                server.api("PUT", f"/profiles/p{n}", {"name": "x"}).want(201)
                written[0] = n

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for i in range(5):
                before = written[0]
                file = tmp / f"backup-{i}.db"
                run("backup", "--data-path", server.data, file).want(0)
                after = written[0] + 1
                with sqlite3.connect(file) as db:
                    (n,) = db.execute("SELECT count(*) - 1 FROM profiles").fetchone()
                    (revision,) = db.execute("SELECT max(n) - 1 FROM revisions").fetchone()
                check(before <= n <= after, f"{n} profiles, {before} to {after} were written")
                check_equal(revision, n, "the revision of the backup")
        finally:
            stop.set()
            writer.join()
        check(written[0] > 0, "nothing was written")


def test_a_backup_that_is_interrupted_leaves_nothing() -> None:
    with Scratch() as tmp:
        files = {**SITE, **{f"generic/large{n}": b"%d" % n * 400000 for n in range(64)}}
        run("import", "--data-path", tmp / "data", write_site(tmp / "site", files)).want(0)
        (tmp / "out").mkdir()
        for number in (signal.SIGINT, signal.SIGTERM):
            command = [vesta.BINARY, "backup", "--data-path", tmp / "data", tmp / "out" / "b.db"]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=vesta.clean_environment()) as p:
                wait_for(lambda: p.poll() is not None or any((tmp / "out").iterdir()), "the backup to begin")
                p.send_signal(number)
                _, told = p.communicate(timeout=vesta.DEADLINE)
            check(p.returncode in (0, 1), f"exit code {p.returncode}: {told}")
            left = [x.name for x in (tmp / "out").iterdir()]
            check_equal(left, ["b.db"] if p.returncode == 0 else [], "files left")
            check(p.returncode == 0 or "stopped before it was done" in told, told)
            for name in left:
                (tmp / "out" / name).unlink()
