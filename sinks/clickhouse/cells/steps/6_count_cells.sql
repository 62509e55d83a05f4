-- Every cell of every level; what is additive adds up to the parent, distinct counts do not.
CREATE TEMPORARY TABLE counted_cell
ENGINE = Memory
AS
SELECT
    cube,
    level,
    path,
    toUInt32(any(hidden)) AS merged,
    max(segment_visitors) AS visitors,
    sum(segment_sessions) AS sessions,
    sum(segment_views) AS views,
    sum(segment_entries) AS entries,
    sum(segment_exits) AS exits,
    sum(segment_bounces) AS bounces,
    sum(segment_engaged_ms) AS engaged_ms,
    sum(segment_events) AS events
FROM (
    SELECT
        cube,
        level,
        path,
        segment,
        uniqExact(visitor) AS segment_visitors,
        uniqExact(session) AS segment_sessions,
        sum(views) AS segment_views,
        sum(entries) AS segment_entries,
        sum(exits) AS segment_exits,
        sum(bounces) AS segment_bounces,
        sum(engaged_ms) AS segment_engaged_ms,
        sum(events) AS segment_events
    FROM fact
    WHERE cube IN (SELECT cube FROM shown)
    GROUP BY level, cube, path, segment
) AS counted
LEFT JOIN (
    SELECT
        cube AS merged_cube,
        arrayPushBack(path, CAST(('', 1), 'Tuple(key String, is_other UInt8)')) AS merged_path,
        count() AS hidden
    FROM merged
    GROUP BY merged_cube, merged_path
) AS hidden_in ON counted.cube = hidden_in.merged_cube AND counted.path = hidden_in.merged_path
GROUP BY level, cube, path;
