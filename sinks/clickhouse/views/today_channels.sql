-- Today, kinds of source: a row appears at k visitors and moves when k more have come.
CREATE OR REPLACE VIEW anonymous.today_channels
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    site_day AS day,
    if(is_other = 1, '(other)', if(key = '', '(none)', key)) AS channel,
    visitors,
    sessions,
    views
FROM anonymous.today_cell FINAL
WHERE cube = 'source' AND (site, site_day) NOT IN (
    SELECT
        published.site,
        published.site_day
    FROM anonymous.published
);
