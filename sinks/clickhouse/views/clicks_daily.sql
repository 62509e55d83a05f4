-- Clicks by page.
CREATE OR REPLACE VIEW anonymous.clicks_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS page,
    visitors,
    is_lower_bound,
    sessions,
    events AS clicks,
    hidden
FROM anonymous.published_cell
WHERE cube = 'heatmap' AND level = 1;
