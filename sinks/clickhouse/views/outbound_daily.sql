-- Links that visitors left by.
CREATE OR REPLACE VIEW anonymous.outbound_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS host,
    labels[2] AS target,
    visitors,
    is_lower_bound,
    sessions,
    events AS clicks,
    hidden
FROM anonymous.published_cell
WHERE cube = 'outbound' AND level = 2;
