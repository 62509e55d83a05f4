-- The one exact table: a site's hours without any other dimension; k does not apply to it.
CREATE OR REPLACE VIEW anonymous.traffic_hourly
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    site_day AS day,
    site_hour AS hour,
    hits,
    visitors,
    is_lower_bound,
    sessions,
    views,
    toDecimal64(engaged_ms / 1000, 3) AS engaged_seconds
FROM anonymous.site_hour
WHERE (site, site_day, publish_id) IN (
    SELECT
        published.site,
        published.site_day,
        published.publish_id
    FROM anonymous.published
);
