-- Pages: who saw them, how often, where visits began and ended.
CREATE OR REPLACE VIEW anonymous.page_views_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS page,
    visitors,
    is_lower_bound,
    sessions,
    views,
    entries,
    exits,
    bounces,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'page' AND level = 1;
