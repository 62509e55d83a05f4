-- A site's days; a day under k visitors is only in traffic_hourly.
CREATE OR REPLACE VIEW anonymous.traffic_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    visitors,
    is_lower_bound,
    sessions,
    views,
    bounces,
    engaged_seconds
FROM anonymous.published_cell
WHERE cube = 'page' AND level = 0;
