-- Browsers, by device and system.
CREATE OR REPLACE VIEW anonymous.browsers_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS device,
    labels[2] AS system,
    labels[3] AS browser,
    visitors,
    is_lower_bound,
    sessions,
    views,
    bounces,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'device' AND level = 3;
