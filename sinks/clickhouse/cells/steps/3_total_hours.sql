-- The one exact table: hits, visitors, views per hour; a session counts in the hour it began.
CREATE TEMPORARY TABLE hour_total
ENGINE = Memory
AS
SELECT
    day_hit.site_hour AS site_hour,
    day_hit.segment AS segment,
    count() AS segment_hits,
    uniqExact(day_hit.visitor) AS segment_visitors,
    countIf(is_view) AS segment_views,
    sum(engaged_ms) AS segment_engaged_ms,
    any(began.sessions) AS segment_sessions
FROM day_hit
LEFT JOIN (
    SELECT
        start_hour,
        segment,
        count() AS sessions
    FROM day_session
    GROUP BY start_hour, segment
) AS began ON day_hit.site_hour = began.start_hour AND day_hit.segment = began.segment
GROUP BY site_hour, segment;
