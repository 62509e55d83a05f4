-- Why:  remembers which migrations ran. It is made before the first of them, so it makes its own
--       database.
CREATE DATABASE IF NOT EXISTS control COMMENT 'Plane C: consent, erasure, holds, audit';
CREATE TABLE IF NOT EXISTS control.migration
(
    number     UInt32,
    name       String,
    digest     FixedString(64),
    applied_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY number;

ALTER TABLE control.migration
MODIFY COMMENT 'Plane C: migrations that ran, with the SHA-256 of their files';
