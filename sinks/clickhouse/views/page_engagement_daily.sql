-- How long each page was looked at, by how far down.
CREATE OR REPLACE VIEW anonymous.page_engagement_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS page,
    labels[2] AS scrolled,
    labels[3] AS engaged,
    visitors,
    is_lower_bound,
    sessions,
    views,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'page_reading' AND level = 3;
