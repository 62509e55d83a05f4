-- Why:  plane A. A row of cell is a count over at least k visitors, written once when its day
--       closes, under the random publish_id of the run that wrote it; a row of published, written
--       last, makes the run's rows visible. Its insert carries the site and day as deduplication
--       token, so of two runs that end together one alone is seen. Views show published rows only:
--       what a broken run has left is seen by nobody, and removed by the next. site_hour holds
--       the one exact table. today_* hold what is shown before the close. No key, hash, id or
--       time of plane S has a column here.
-- Cost: none (new tables). A closed day of an ordinary site is 1-10 thousand rows of cell.
CREATE TABLE IF NOT EXISTS anonymous.published
(
    site           LowCardinality(String),
    site_day       Date,
    publish_id     UUID,
    time_zone      LowCardinality(String),
    closed_at      DateTime('UTC'),
    hits           UInt64 COMMENT 'Hits of the day when it was closed',
    salt_segments  UInt32 COMMENT 'Above 1, visitors are lower bounds: those of one segment',
    is_lost        UInt8 COMMENT 'The hits had expired before the day could be closed'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(site_day)
ORDER BY (site, site_day)
TTL site_day + INTERVAL 759 DAY
SETTINGS non_replicated_deduplication_window = 10000 -- noqa: PRS
;

CREATE TABLE IF NOT EXISTS anonymous.cell
(
    publish_id     UUID,
    site           LowCardinality(String),
    site_day       Date,
    cube           LowCardinality(String),
    level          UInt8,
    keys           Array(String) COMMENT 'One per level; empty where is_other',
    is_other       Array(UInt8) COMMENT 'One per level; 1 for children merged to reach k',
    merged         UInt32 COMMENT 'How many children are hidden in this cell',
    visitors       UInt64,
    is_lower_bound UInt8 COMMENT 'Visitors are those of one salt segment of several',
    sessions       UInt64,
    views          UInt64,
    entries        UInt64,
    exits          UInt64,
    bounces        UInt64,
    engaged_ms     UInt64,
    events         UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(site_day)
ORDER BY (cube, level, site, site_day, keys)
TTL site_day + INTERVAL 759 DAY;

CREATE TABLE IF NOT EXISTS anonymous.site_hour
(
    publish_id     UUID,
    site           LowCardinality(String),
    site_day       Date,
    site_hour      UInt8,
    hits           UInt64,
    visitors       UInt64,
    is_lower_bound UInt8,
    sessions       UInt64 COMMENT 'Sessions that began in the hour',
    views          UInt64,
    engaged_ms     UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(site_day)
ORDER BY (site, site_day, site_hour)
TTL site_day + INTERVAL 759 DAY;

CREATE TABLE IF NOT EXISTS anonymous.late
(
    site           LowCardinality(String),
    site_day       Date,
    hits           UInt64 COMMENT 'Hits that came after the close and are in no cell'
)
ENGINE = ReplacingMergeTree(hits)
PARTITION BY toYYYYMM(site_day)
ORDER BY (site, site_day)
TTL site_day + INTERVAL 759 DAY;

CREATE TABLE IF NOT EXISTS anonymous.today_cell
(
    site           LowCardinality(String),
    site_day       Date,
    cube           LowCardinality(String),
    key            String,
    is_other       UInt8,
    visitors       UInt64,
    sessions       UInt64,
    views          UInt64,
    events         UInt64
)
ENGINE = ReplacingMergeTree(visitors)
PARTITION BY toYYYYMM(site_day)
ORDER BY (site, site_day, cube, key, is_other)
TTL site_day + INTERVAL 4 DAY;

CREATE TABLE IF NOT EXISTS anonymous.today_hour
(
    site           LowCardinality(String),
    site_day       Date,
    site_hour      UInt8,
    hits           UInt64,
    visitors       UInt64,
    sessions       UInt64,
    views          UInt64,
    engaged_ms     UInt64
)
ENGINE = ReplacingMergeTree(hits)
PARTITION BY toYYYYMM(site_day)
ORDER BY (site, site_day, site_hour)
TTL site_day + INTERVAL 4 DAY;
