-- Today's totals are exact. A today's cell appears at k visitors and moves when k more have come.
-- The merged cell stays away if it is all there is, and if it holds a child that was shown alone.
INSERT INTO anonymous.today_hour
SELECT
    {site:String} AS site,
    {site_day:Date} AS site_day,
    site_hour,
    sum(segment_hits) AS hits,
    max(segment_visitors) AS visitors,
    sum(segment_sessions) AS sessions,
    sum(segment_views) AS views,
    sum(segment_engaged_ms) AS engaged_ms
FROM hour_total
GROUP BY site_hour;

INSERT INTO anonymous.today_cell
WITH seen AS (
    SELECT
        cube,
        key,
        is_other,
        visitors
    FROM anonymous.today_cell FINAL
    WHERE site = {site:String} AND site_day = {site_day:Date}
),

fresh AS (
    SELECT
        cube,
        path[1].key AS key,
        path[1].is_other AS is_other,
        visitors,
        sessions,
        views,
        events
    FROM counted_cell
    WHERE level = 1
)

SELECT
    {site:String} AS site,
    {site_day:Date} AS site_day,
    fresh.cube AS cube,
    fresh.key AS key,
    fresh.is_other AS is_other,
    fresh.visitors AS visitors,
    fresh.sessions AS sessions,
    fresh.views AS views,
    fresh.events AS events
FROM fresh
INNER JOIN threshold ON fresh.cube = threshold.cube
LEFT JOIN seen
    ON fresh.cube = seen.cube AND fresh.key = seen.key AND fresh.is_other = seen.is_other
WHERE fresh.visitors >= seen.visitors + threshold.k
    AND NOT (
        fresh.is_other = 1 AND (
            fresh.cube IN (
                SELECT cube
                FROM fresh
                GROUP BY fresh.cube
                HAVING count() = 1
            )
            OR fresh.cube IN (
                SELECT merged.cube
                FROM merged
                WHERE merged.level = 1 AND (merged.cube, merged.key) IN (
                    SELECT
                        seen.cube,
                        seen.key
                    FROM seen
                    WHERE seen.is_other = 0
                )
            )
        )
    );
