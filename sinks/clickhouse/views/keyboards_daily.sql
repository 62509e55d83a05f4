-- Classes of keyboard layout, where the browser tells.
CREATE OR REPLACE VIEW anonymous.keyboards_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS keyboard,
    visitors,
    is_lower_bound,
    sessions,
    views,
    bounces,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'keyboard' AND level = 1;
