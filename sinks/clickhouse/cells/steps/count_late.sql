-- Hits that were stored after their day was closed. They are in no cell and expire in S; the
-- highest count seen stays.
INSERT INTO anonymous.late
SELECT
    {site:String} AS site,
    {site_day:Date} AS site_day,
    count() AS hits
FROM staging.hit FINAL
WHERE site = {site:String} AND site_day = {site_day:Date}
    AND stored_at > (
        SELECT max(closed_at)
        FROM anonymous.published
        WHERE site = {site:String} AND site_day = {site_day:Date}
    )
HAVING hits > 0;
