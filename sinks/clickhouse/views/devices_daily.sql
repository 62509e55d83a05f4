-- Classes of device.
CREATE OR REPLACE VIEW anonymous.devices_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS device,
    visitors,
    is_lower_bound,
    sessions,
    views,
    bounces,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'device' AND level = 1;
