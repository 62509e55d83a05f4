-- Hosts that visitors left for.
CREATE OR REPLACE VIEW anonymous.outbound_hosts_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS host,
    visitors,
    is_lower_bound,
    sessions,
    events AS clicks,
    hidden
FROM anonymous.published_cell
WHERE cube = 'outbound' AND level = 1;
