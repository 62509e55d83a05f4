INSERT INTO anonymous.site_hour
SELECT
    {publish_id:UUID} AS publish_id,
    {site:String} AS site,
    {site_day:Date} AS site_day,
    site_hour,
    sum(segment_hits) AS hits,
    max(segment_visitors) AS visitors,
    (SELECT uniqExact(segment) FROM hour_total) > 1 AS is_lower_bound,
    sum(segment_sessions) AS sessions,
    sum(segment_views) AS views,
    sum(segment_engaged_ms) AS engaged_ms
FROM hour_total
GROUP BY site_hour;

INSERT INTO anonymous.cell
SELECT
    {publish_id:UUID} AS publish_id,
    {site:String} AS site,
    {site_day:Date} AS site_day,
    cube,
    level,
    path.key AS keys,
    path.is_other AS is_other,
    merged,
    visitors,
    (SELECT uniqExact(segment) FROM hour_total) > 1 AS is_lower_bound,
    sessions,
    views,
    entries,
    exits,
    bounces,
    engaged_ms,
    events
FROM counted_cell;
