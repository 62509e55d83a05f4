-- Operating systems, by class of device.
CREATE OR REPLACE VIEW anonymous.systems_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS device,
    labels[2] AS system,
    visitors,
    is_lower_bound,
    sessions,
    views,
    bounces,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'device' AND level = 2;
