-- No row: the day is open.
SELECT
    hits,
    salt_segments,
    is_lost,
    (
        SELECT count()
        FROM anonymous.cell
        WHERE site = {site:String} AND site_day = {site_day:Date}
            AND publish_id IN (
                SELECT publish_id
                FROM anonymous.published
                WHERE site = {site:String} AND site_day = {site_day:Date}
            )
    ) AS cells
FROM anonymous.published
WHERE site = {site:String} AND site_day = {site_day:Date}
LIMIT 1;
