-- What the lists in a group's selector stand for: a row for each combination, in the form that
-- groups.selector has without lists. Groups without lists have none.
CREATE TABLE group_lists (
    selector TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (selector, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_lists_id ON group_lists (id);
