-- Events of the site's own.
CREATE OR REPLACE VIEW anonymous.custom_events_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS event,
    visitors,
    is_lower_bound,
    sessions,
    events,
    hidden
FROM anonymous.published_cell
WHERE cube = 'custom' AND level = 1;
