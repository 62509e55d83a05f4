-- Days that are closed: when, with how many hits, what came late, and whether the day was lost.
CREATE OR REPLACE VIEW anonymous.days
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    site_day AS day,
    max(zone) AS time_zone,
    max(closed) AS closed_at,
    sum(day_hits) AS hits,
    max(late) AS late_hits,
    max(segments) > 1 AS is_lower_bound,
    max(lost) AS is_lost
FROM (
    SELECT
        site,
        site_day,
        time_zone AS zone,
        closed_at AS closed,
        hits AS day_hits,
        0 AS late,
        salt_segments AS segments,
        is_lost AS lost
    FROM anonymous.published
    UNION ALL
    SELECT
        site,
        site_day,
        '' AS zone,
        toDateTime(0, 'UTC') AS closed,
        0 AS day_hits,
        hits AS late,
        0 AS segments,
        0 AS lost
    FROM anonymous.late
) AS known
GROUP BY site, day;
