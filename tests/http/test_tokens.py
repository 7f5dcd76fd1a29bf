"""Tokens: made and revoked over the API and by commands, while servers run and across starts."""

import json
import re
import sqlite3
import stat
from typing import Any

from vesta import Outcome, Server, check, check_equal, run, serve, wait_for

TOKEN = re.compile(r"vesta_[A-Za-z0-9_-]{32}")


def start() -> Server:
    return serve()


def token(server: Server, *args: str, **env: str) -> Outcome:
    return run("token", *args, "--data-path", server.data, env=env)


def create(server: Server, name: str, role: str, *more: str) -> str:
    made = token(server, "create", "--name", name, "--role", role, *more).want(0)
    secret = made.out.strip()
    check(TOKEN.fullmatch(secret), f"stdout is not the token alone: {made.out!r}")
    return secret


def listed(server: Server) -> dict[str, dict[str, Any]]:
    items = json.loads(token(server, "list", "-o", "json").want(0).out)
    return {t["name"]: t for t in items}


def groups_status(server: Server, secret: str) -> int:
    return server.api("GET", "/groups", token=secret).status


def test_life_of_a_token(server: Server) -> None:
    secret = create(server, "ci", "read", "--expires", "30d")
    check_equal(groups_status(server, secret), 200, "with the new token")
    mine = listed(server)["ci"]
    check(mine["expires"] and mine["last_used"] and mine["role"] == "read", f"{mine}")
    outcome = token(server, "list").want(0)
    check("ci" in outcome.out and secret not in outcome.out, outcome.out)
    refused = run("token", "list", "--server", server.api_url, env={"VESTA_TOKEN": secret}).want(1)
    check("has the role read, and this needs admin" in refused.err, refused.err)
    token(server, "delete", mine["id"]).want(0)
    check_equal(groups_status(server, secret), 401, "after it was deleted")
    check("there is no token" in token(server, "delete", mine["id"]).want(1).err, "deleted twice")


def test_wrong_use_is_told(server: Server) -> None:
    for args in [
        [],
        ["make"],
        ["create", "--name", "x"],
        ["create", "--role", "read"],
        ["create", "--name", "x", "--role", "read", "--expires", "30"],
        ["create", "--name", "x", "--role", "read", "--expires", "0d"],
        ["delete"],
        ["list", "x"],
        ["list", "--role", "read"],
        ["list", "-o", "xml"],
    ]:
        token(server, *args).want(2)
    refused = token(server, "create", "--name", "x", "--role", "root").want(1)
    check("the role must be read, write or admin" in refused.err, refused.err)
    token(server, "delete", "../groups/x").want(1)


def test_only_hashes_are_stored(server: Server) -> None:
    secret = create(server, "hashed", "write")
    for file in server.data.iterdir():
        if file.is_file() and file.name != "admin.token":
            check(secret.encode() not in file.read_bytes(), f"the token is in {file.name}")
    check(secret not in server.log(), "the token is in the log")


def test_another_process_revokes(server: Server) -> None:
    secret = create(server, "elsewhere", "read")
    check_equal(groups_status(server, secret), 200, "before")
    with sqlite3.connect(server.data / "vesta.db", timeout=30) as db:
        db.execute("DELETE FROM tokens WHERE name = 'elsewhere'")
    check_equal(groups_status(server, secret), 401, "right after it was gone")


def test_last_use_is_kept_and_written_seldom() -> None:
    with serve() as server:
        secret = create(server, "used", "read")
        for _ in range(20):
            server.api("GET", "/groups", token=secret).want(200)
        seen = listed(server)["used"]["last_used"]
        check(seen, "not seen")
        with sqlite3.connect(server.data / "vesta.db", timeout=30) as db:
            (used,) = db.execute("SELECT used FROM tokens WHERE name = 'used'").fetchone()
        check_equal(used, 0, "on disk within the minute")
        server.stop()
        with sqlite3.connect(server.data / "vesta.db", timeout=30) as db:
            (used,) = db.execute("SELECT used FROM tokens WHERE name = 'used'").fetchone()
        check(used > 0, "nothing was written at the stop")
        server.start()
        check(listed(server)["used"]["last_used"] >= seen, "forgotten by a restart")


def test_a_start_without_a_valid_admin_makes_one() -> None:
    with serve() as server:
        old = server.token
        made = server.api("POST", "/tokens", {"name": "brief", "role": "admin", "expires_in": 1})
        brief = made.want(201).json()["token"]
        server.api("DELETE", "/tokens/admin", token=brief).want(204)
        wait_for(lambda: groups_status(server, brief) == 401, "the token to expire", 30)
        check_equal(groups_status(server, old), 401, "the deleted one")
        server.stop()
        server.start()
        file = server.data / "admin.token"
        new = file.read_text().strip()
        check(new != old and TOKEN.fullmatch(new), "no new token")
        check_equal(stat.S_IMODE(file.stat().st_mode), 0o600, "its mode")
        check_equal(groups_status(server, new), 200, "with the new one")
