-- How far down each page was seen; views by the deepest quarter reached.
CREATE OR REPLACE VIEW anonymous.page_scroll_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS page,
    labels[2] AS scrolled,
    visitors,
    is_lower_bound,
    sessions,
    views,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'page_reading' AND level = 2;
