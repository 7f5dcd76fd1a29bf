"""What is acknowledged stays, whatever happens: other processes, kill -9, full disks, stops."""

import functools
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Callable

import vesta
from vesta import (
    Outcome,
    Scratch,
    Server,
    check,
    check_equal,
    run,
    serve,
    wait_answer,
    wait_for,
    write_site,
)

SITE: dict[str, Any] = {
    "groups/base.json": {"id": "base", "profile": "base"},
    "profiles/base.json": {"id": "base", "generic_id": "base.txt", "boot": {"kernel": "/k"}},
    "generic/base.txt": "base\n",
}
NOBODY = 65534


def import_site(data: Path, scratch: Path) -> None:
    run("import", "--data-path", data, write_site(scratch / "site", SITE)).want(0)


def check_database(data: Path) -> None:
    database = sqlite3.connect(data / "vesta.db")
    try:
        check_equal(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "integrity")
    finally:
        database.close()


# --- another process -------------------------------------------------------------------------------


def test_an_import_beside_the_server_is_seen_within_a_second() -> None:
    seconds = vesta.DEADLINE if vesta.sanitized() else 1.0
    with serve(SITE) as server, Scratch() as tmp:
        for n in range(5):
            text = f"written by another process, {n}\n"
            site = write_site(tmp, {**SITE, "generic/base.txt": text})
            run("import", "--data-path", server.data, site).want(0)
            wait_answer(server, "/generic", text, seconds)


def test_imports_and_api_writes_at_the_same_time() -> None:
    with serve(SITE) as server, Scratch() as tmp:
        site = write_site(tmp, {f"generic/i{n}.txt": f"{n}" for n in range(50)} | SITE)
        for n in range(10):
            with subprocess.Popen(
                [vesta.BINARY, "import", "--data-path", server.data, site],
                stdout=subprocess.DEVNULL,
                env=vesta.clean_environment(),
            ) as other:
                for k in range(10):
                    server.api("PUT", f"/templates/generic/a{n}-{k}.txt", b"x").want(201)
                check_equal(other.wait(), 0, "exit code of the import")
        page = server.api("GET", "/templates/generic?limit=1000").want(200).json()
        check_equal(len(page["items"]), 151, "templates")


# --- kill -9 ---------------------------------------------------------------------------------------

WRITERS = 4


def content(writer: int, n: int) -> bytes:
    return f"{writer}:{n}:".encode() + b"x" * (100 + n * 37 % 9000) + b":end"


class Load:
    """Writers that note what was acknowledged, and readers, until the server is gone."""

    def __init__(self, server: Server, first: int):
        self.server = server
        self.first = first
        self.acknowledged = [-1] * WRITERS
        self.made: dict[str, bytes] = {}
        self.wrong: list[str] = []
        work: list[Callable[[], None]] = [self.read, self.read]
        work += [functools.partial(self.write, w) for w in range(WRITERS)]
        self.threads = [threading.Thread(target=self.until_gone, args=(f,)) for f in work]
        for thread in self.threads:
            thread.start()

    def until_gone(self, action: Callable[[], None]) -> None:
        try:
            action()
        except vesta.Failure as e:
            if not str(e).startswith("closed"):
                self.wrong.append(str(e))
        except OSError:
            pass

    def write(self, writer: int) -> None:
        """Changes one template again and again, and makes a new group each time."""
        for n in range(self.first, self.first + 1000):
            status = self.server.api("PUT", f"/templates/generic/{writer}.txt", content(writer, n))
            check(status.status in (200, 201), f"a write: {status.status}")
            self.acknowledged[writer] = n
            group = {"profile": "base", "selector": {"w": f"{writer}-{n}"}}
            made = self.server.api("PUT", f"/groups/g{writer}-{n}", group)
            check_equal(made.status, 201, "status of a new group")
            self.made[f"/groups/g{writer}-{n}"] = made.body

    def read(self) -> None:
        with self.server.connect() as c:
            while True:
                c.request("/generic").want(200, "base\n")

    def wait_writes(self, n: int) -> None:
        wait_for(lambda: len(self.made) >= n or self.wrong, f"{n} writes")

    def join(self) -> None:
        for thread in self.threads:
            thread.join()
        check(not self.wrong, f"under load: {self.wrong}")


def test_kill_9_in_the_middle_of_writes() -> None:
    with serve(SITE) as server:
        for turn in range(3):
            load = Load(server, turn * 1000)
            load.wait_writes(70)
            server.kill()
            load.join()
            server.start()
            for writer, last in enumerate(load.acknowledged):
                got = server.api("GET", f"/templates/generic/{writer}.txt").want(200).body
                # The last one may be there though it was not acknowledged, but never half of it.
                check(
                    got in (content(writer, last), content(writer, last + 1)),
                    f"writer {writer}: acknowledged {last}, there is {got[:20]!r}",
                )
            for path, body in load.made.items():
                server.api("GET", path).want(200, body)
                label = path.removeprefix("/groups/g")
                match = server.get(f"/generic?w={label}").want(200).header("Vesta-Match") or ""
                check(match.startswith(f"group=g{label};"), f"{path} is not active: {match}")
        server.stop()
        check_database(server.data)


# --- databases that cannot be used -----------------------------------------------------------------


def refused(data: Path, *words: str) -> Outcome:
    """Neither the server nor an import starts, and both say why in a sentence."""
    with Scratch() as tmp:
        site = write_site(tmp, SITE)
        outcomes = [
            run(
                "serve",
                "--address",
                "127.0.0.1:0",
                "--api-address",
                "127.0.0.1:0",
                "--data-path",
                data,
            ).want(1),
            run("import", "--data-path", data, site).want(1),
        ]
    for outcome in outcomes:
        check(outcome.err.startswith("vesta: "), f"stderr: {outcome.err!r}")
        check_equal(outcome.err.count("\n"), 1, f"lines of {outcome.err!r}")
        for word in words:
            check(word in outcome.err, f"{word!r} is not in {outcome.err!r}")
        check_equal(outcome.out, "", "stdout")
    return outcomes[0]


def test_a_database_that_is_none() -> None:
    with Scratch() as data:
        (data / "vesta.db").write_bytes(b"this is a text file, and not a short one. " * 1000)
        before = (data / "vesta.db").read_bytes()
        refused(data, "vesta.db", "not a database")
        check_equal((data / "vesta.db").read_bytes(), before, "the file")


def test_a_database_of_another_program() -> None:
    with Scratch() as data:
        other = sqlite3.connect(data / "vesta.db")
        other.execute("CREATE TABLE theirs (x)")
        other.commit()
        other.close()
        refused(data, "vesta.db", "another program")


def test_a_database_of_a_newer_vesta() -> None:
    with Scratch() as tmp:
        import_site(tmp / "data", tmp)
        database = sqlite3.connect(tmp / "data" / "vesta.db")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {version + 1}")
        database.close()
        refused(tmp / "data", "vesta.db", "newer", str(version), str(version + 1))


def test_a_damaged_database() -> None:
    with Scratch() as tmp:
        import_site(tmp / "data", tmp)
        path = tmp / "data" / "vesta.db"
        path.write_bytes(path.read_bytes()[:100] + b"\xff" * 20000)
        refused(tmp / "data", "vesta.db")


def test_a_database_that_is_read_only() -> None:
    with Scratch() as tmp:
        import_site(tmp / "data", tmp)
        tmp.chmod(0o755)
        (tmp / "data").chmod(0o555)
        (tmp / "data" / "vesta.db").chmod(0o444)
        shutil.copy(vesta.BINARY, tmp / "vesta")
        # To root nothing is read-only, so it becomes somebody else.
        mine = {k: v for k, v in vesta.clean_environment().items() if k != "VESTA_USER"}
        more: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        done = subprocess.run(
            [
                tmp / "vesta",
                "serve",
                "--address",
                "127.0.0.1:0",
                "--api-address",
                "127.0.0.1:0",
                "--data-path",
                tmp / "data",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=vesta.DEADLINE,
            cwd="/",
            env=mine,
            **(more if os.geteuid() == 0 else {}),
        )
        check_equal(done.returncode, 1, f"exit code with {done.stderr!r}")
        check("vesta.db" in done.stderr and "written" in done.stderr, done.stderr)


def test_a_data_path_that_cannot_be() -> None:
    with Scratch() as tmp:
        (tmp / "file").write_text("a file")
        refused(tmp / "file" / "data", str(tmp / "file" / "data"))
        refused(tmp / "file", str(tmp / "file"), "is a file")
        refused(tmp / "none" / "data", str(tmp / "none" / "data"))


def test_a_port_that_is_taken() -> None:
    with Scratch() as tmp, socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for flag, other in (("--address", "--api-address"), ("--api-address", "--address")):
            outcome = run("serve", flag, address, other, "127.0.0.1:0", "--data-path", tmp / "data")
            outcome.want(1)
            check(address in outcome.err and "in use" in outcome.err, outcome.err)


# --- a full disk -----------------------------------------------------------------------------------


def test_a_full_disk() -> None:
    with Scratch() as tmp:
        import_site(tmp / "data", tmp)
        with Server(tmp / "data"):
            pass  # makes the key and the token
        room = (tmp / "data" / "vesta.db").stat().st_size + (300 << 10)

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

        written = 0
        with Server(tmp / "data", limits=limit) as server:
            for n in range(100):
                answer = server.api("PUT", "/templates/generic/fill.txt", b"%d:" % n + b"x" * 60000)
                if answer.status >= 300:
                    break
                written = n
            check(500 <= answer.status <= 599, f"status {answer.status}: {answer.body!r}")
            check_equal(answer.header("Content-Type"), "application/problem+json", "Content-Type")
            check(written > 0, "no write was possible at all")
            kept = server.api("GET", "/templates/generic/fill.txt").want(200).body
            check(kept.startswith(b"%d:" % written), f"kept {kept[:10]!r}, want {written}")
            server.get("/generic").want(200, "base\n")
            again = server.api("PUT", "/templates/generic/fill.txt", b"y" * 60000)
            check(again.status >= 500, f"a write to a full disk: {again.status}")
        with Server(tmp / "data") as server:
            kept = server.api("GET", "/templates/generic/fill.txt").want(200).body
            check(kept.startswith(b"%d:" % written), f"kept {kept[:10]!r}, want {written}")
            server.api("PUT", "/templates/generic/fill.txt", b"there is room again").want(200)
        check_database(tmp / "data")


# --- file descriptors ------------------------------------------------------------------------------


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_more_clients_than_file_descriptors() -> None:
    """The server neither spins nor stays deaf, and the API and the database still work."""
    with Scratch() as tmp:
        import_site(tmp / "data", tmp)

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

        with Server(tmp / "data", limits=limit) as server:
            clients = [server.connect() for _ in range(200)]
            server.api("PUT", "/templates/generic/base.txt", b"changed\n").want(200)
            used, began = cpu_seconds(server.pid), time.monotonic()
            wait_for(lambda: time.monotonic() - began > 1, "a second to pass")
            used = cpu_seconds(server.pid) - used
            check(used < 0.5, f"it worked for {used} s of a second while nobody asked")
            for c in clients:
                c.socket.close()
            wait_for(lambda: answers(server), "the server to answer again")


def answers(server: Server) -> bool:
    try:
        return server.get("/generic").status == 200
    except (OSError, vesta.Failure):
        return False


# --- stopping --------------------------------------------------------------------------------------


def test_a_request_under_way_is_finished_at_a_stop() -> None:
    size = 32 << 20
    for stop in (signal.SIGTERM, signal.SIGINT):
        with serve(SITE, assets={"big": b"z" * size}) as server, server.connect() as c:
            c.send(vesta.request_bytes("/assets/big"))
            answer = c.read_head()
            chunks = c.body_chunks(answer)
            got = len(next(chunks))
            assert server.process
            server.process.send_signal(stop)
            wait_refused(server.boot_port)
            check(server.process.poll() is None, "the server is gone, with a request under way")
            for chunk in chunks:
                got += len(chunk)
            check_equal(got, size, "bytes")
            server.wait_stopped()
            check(not (server.data / "server.json").exists(), "server.json is still there")


def wait_refused(port: int) -> None:
    """Waits until nobody listens there any more."""

    def refused_now() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=vesta.DEADLINE).close()
            return False
        except OSError:
            return True

    wait_for(refused_now, "the server to refuse new connections")


def test_writes_under_way_at_a_stop() -> None:
    with serve(SITE) as server:
        load = Load(server, 0)
        load.wait_writes(40)
        server.stop()
        load.join()
        server.start()
        for path, body in load.made.items():
            server.api("GET", path).want(200, body)


def test_idle_connections_do_not_hold_up_a_stop() -> None:
    with serve(SITE) as server:
        with server.connect() as idle, server.connect() as half:
            idle.request("/generic").want(200)
            half.send(b"GET /gen")
            began = time.monotonic()
            idle_stopped = server.process
            assert idle_stopped
            server.stop()
            check(time.monotonic() - began < 25, "the stop took as long as the grace")


def test_the_key_and_the_token_survive() -> None:
    with serve(SITE) as server:
        key, token = server.get("/key.asc").body, server.token
        server.stop()
        server.start()
        check_equal(server.get("/key.asc").body, key, "the key")
        check_equal((server.data / "admin.token").read_text().strip(), token, "the token")
        server.api("GET", "/groups").want(200)
