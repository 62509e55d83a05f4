-- One, two and three steps in a row, of pages and [clicks].
CREATE OR REPLACE VIEW anonymous.click_paths_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    toUInt8(substring(CAST(cube, 'String'), 12)) AS steps,
    labels[1] AS click_path,
    visitors,
    is_lower_bound,
    hidden
FROM anonymous.published_cell
WHERE startsWith(cube, 'click_path_') AND level = 1;
