-- Days that are not closed yet: exact totals so far.
CREATE OR REPLACE VIEW anonymous.today_hourly
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    site_day AS day,
    site_hour AS hour,
    hits,
    visitors,
    sessions,
    views,
    toDecimal64(engaged_ms / 1000, 3) AS engaged_seconds
FROM anonymous.today_hour FINAL
WHERE (site, site_day) NOT IN (
    SELECT
        published.site,
        published.site_day
    FROM anonymous.published
);
