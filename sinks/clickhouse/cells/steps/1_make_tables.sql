-- What one close works on: tables of its session, gone with its connection.
CREATE TEMPORARY TABLE threshold (cube String, k UInt32) ENGINE = Memory;

-- A fact is what one session did in one cell of a cube's finest grain. At level n, `path` holds the
-- labels of the n cells that it counts for: (key, 0), or ('', 1) for the merged ones.
CREATE TEMPORARY TABLE fact
(
    level      UInt8,
    cube       LowCardinality(String),
    keys       Array(String),
    path       Array(Tuple(key String, is_other UInt8)),
    segment    UInt64,
    visitor    UInt64,
    session    UInt64,
    views      UInt64,
    entries    UInt64,
    exits      UInt64,
    bounces    UInt64,
    engaged_ms UInt64,
    events     UInt64
)
ENGINE = MergeTree
ORDER BY (level, cube);

CREATE TEMPORARY TABLE shown (cube String) ENGINE = Memory;

CREATE TEMPORARY TABLE child
(
    level    UInt8,
    cube     LowCardinality(String),
    path     Array(Tuple(key String, is_other UInt8)),
    key      String,
    visitors UInt64,
    k        UInt32
)
ENGINE = Memory;

CREATE TEMPORARY TABLE merged
(
    level UInt8,
    cube  LowCardinality(String),
    path  Array(Tuple(key String, is_other UInt8)),
    key   String
)
ENGINE = Memory;
