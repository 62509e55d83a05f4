-- Countries.
CREATE OR REPLACE VIEW anonymous.countries_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS country,
    visitors,
    is_lower_bound,
    sessions,
    views,
    bounces,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'place' AND level = 1;
