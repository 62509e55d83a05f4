-- Today, pages: a row appears at k visitors and moves when k more have come.
CREATE OR REPLACE VIEW anonymous.today_pages
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    site_day AS day,
    if(is_other = 1, '(other)', if(key = '', '(none)', key)) AS page,
    visitors,
    sessions,
    views
FROM anonymous.today_cell FINAL
WHERE cube = 'page' AND (site, site_day) NOT IN (
    SELECT
        published.site,
        published.site_day
    FROM anonymous.published
);
