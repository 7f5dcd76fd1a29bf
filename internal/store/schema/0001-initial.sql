-- Types are 1 group, 2 profile, 3 template; kinds are those of templates, and 0 for the others.
-- Names compare byte by byte. Bodies of groups and profiles are JSON, those of templates bytes.

-- Numbers that belong to the whole database.
-- history_from: history holds every change after this revision; it grows when history is trimmed.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('history_from', 0);

-- Numbered from 1 without gaps. The newest row stays for ever: it is the current revision.
CREATE TABLE revisions (
    n INTEGER PRIMARY KEY,
    at INTEGER NOT NULL, -- seconds since 1970
    who TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;

CREATE TABLE groups (
    id TEXT NOT NULL UNIQUE,
    selector TEXT NOT NULL,
    body TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX groups_selector ON groups (selector, id);

CREATE TABLE profiles (
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    revision INTEGER NOT NULL
) STRICT;

CREATE TABLE templates (
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    revision INTEGER NOT NULL,
    UNIQUE (kind, name)
) STRICT;

-- What a resource names: a group its profile, a profile its templates. The name may be of nothing.
CREATE TABLE uses (
    type INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    to_type INTEGER NOT NULL,
    to_kind INTEGER NOT NULL,
    to_name TEXT NOT NULL,
    PRIMARY KEY (type, kind, name, to_type, to_kind, to_name)
) STRICT, WITHOUT ROWID;
CREATE INDEX uses_to ON uses (to_type, to_kind, to_name, type, kind, name);

-- Each resource as a revision left it; a body of NULL is a deletion.
CREATE TABLE history (
    seq INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    type INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    selector TEXT NOT NULL,
    body ANY,
    UNIQUE (type, kind, name, revision)
) STRICT;
CREATE INDEX history_revision ON history (revision);

-- hash is of the secret, which is nowhere in here. expires is 0 for never.
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
