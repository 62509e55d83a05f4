-- Files that were fetched.
CREATE OR REPLACE VIEW anonymous.downloads_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS host,
    labels[2] AS file,
    visitors,
    is_lower_bound,
    sessions,
    events AS downloads,
    hidden
FROM anonymous.published_cell
WHERE cube = 'download' AND level = 2;
