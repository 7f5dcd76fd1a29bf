-- Each request to the API looks its token up.
CREATE INDEX tokens_by_hash ON tokens (hash);
