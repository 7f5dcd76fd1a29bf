-- When a token was last seen, in seconds since 1970; 0 is never. Written once in a while only.
ALTER TABLE tokens ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
