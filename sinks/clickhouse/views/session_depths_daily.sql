-- Sessions by length and number of pages.
CREATE OR REPLACE VIEW anonymous.session_depths_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS length,
    labels[2] AS depth,
    visitors,
    is_lower_bound,
    sessions,
    views,
    bounces,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'session' AND level = 2;
