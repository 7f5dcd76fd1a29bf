"""A database that cannot be read, or not followed, is told in the log while the rest is served on."""

import sqlite3

import vesta

SITE = {
    "profiles/p.json": {"boot": {"kernel": "/k"}},
    "groups/default.json": {"profile": "p"},
    "groups/one.json": {"profile": "p", "selector": {"mac": "52:54:00:00:00:01"}},
}


def new_revision(database: sqlite3.Connection, body: str) -> None:
    """Group `one` as another program would write it, past every check."""
    with database:
        n = database.execute("SELECT max(n) + 1 FROM revisions").fetchone()[0]
        database.execute("INSERT INTO revisions VALUES (?, 0, 'test', '')", (n,))
        database.execute("UPDATE groups SET body = ?, revision = ? WHERE id = 'one'", (body, n))
        database.execute(
            "INSERT INTO history (revision, type, kind, name, selector, body)"
            " SELECT ?, 1, 0, id, selector, body FROM groups WHERE id = 'one'",
            (n,),
        )


def matched(server: vesta.Server) -> str:
    return server.get("/ipxe?mac=52:54:00:00:00:01").want(200).header("Vesta-Match") or ""


def test_what_cannot_be_read_is_told_and_left_out() -> None:
    with vesta.serve(SITE) as server:
        vesta.check("group=one;" in matched(server), matched(server))
        database = sqlite3.connect(server.data / "vesta.db")
        new_revision(database, '{"profile": 5}')
        vesta.wait_for(lambda: "unreadable-resource" in server.log(), "the log line")
        vesta.check("type=group name=one" in server.log(), server.log())
        vesta.check("group=default;" in matched(server), matched(server))
        new_revision(database, '{"profile":"p","selector":{"mac":"52:54:00:00:00:01"}}')
        vesta.wait_for(lambda: "group=one;" in matched(server), "the repaired group")


def test_a_database_that_cannot_be_followed_is_told() -> None:
    with vesta.serve(SITE) as server:
        database = sqlite3.connect(server.data / "vesta.db")
        with database:
            database.execute("ALTER TABLE history RENAME TO gone")
            database.execute(
                "INSERT INTO revisions SELECT max(n) + 1, 0, 'test', '' FROM revisions"
            )
        vesta.wait_for(lambda: "database-not-followed" in server.log(), "the log line")
        vesta.check("group=one;" in matched(server), "the old state is served on")
        with database:
            database.execute("ALTER TABLE gone RENAME TO history")
        vesta.wait_for(lambda: "database-followed-again" in server.log(), "the log line")
        vesta.check_equal(server.log().count("database-not-followed"), 1, "told once")


def test_a_database_that_is_moved_away_is_told_and_not_written_to() -> None:
    """A write to a file that has lost its name would be acknowledged, and lost at the next start."""
    with vesta.serve(SITE) as server:
        path, away = server.data / "vesta.db", server.data / "away.db"
        path.rename(away)
        vesta.wait_for(lambda: "database-not-followed" in server.log(), "the log line")
        vesta.check("was moved, removed or replaced" in server.log(), server.log())
        vesta.check("group=one;" in matched(server), "the old state is served on")
        refused = server.api("PUT", "/templates/generic/x", b"x").want(503)
        vesta.check("was moved, removed or replaced" in refused.text, refused.text)
        sqlite3.connect(path).execute("CREATE TABLE other (x)").connection.commit()
        server.api("PUT", "/templates/generic/x", b"x").want(503)
        path.unlink()
        away.rename(path)
        vesta.wait_for(lambda: "database-followed-again" in server.log(), "the log line")
        server.api("PUT", "/templates/generic/x", b"x").want(201)
