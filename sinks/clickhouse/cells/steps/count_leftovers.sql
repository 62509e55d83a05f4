SELECT count() AS leftover_rows
FROM (
    SELECT publish_id
    FROM anonymous.cell
    WHERE site = {site:String} AND site_day = {site_day:Date}
    UNION ALL
    SELECT publish_id
    FROM anonymous.site_hour
    WHERE site = {site:String} AND site_day = {site_day:Date}
)
WHERE publish_id NOT IN (
    SELECT publish_id
    FROM anonymous.published
    WHERE site = {site:String} AND site_day = {site_day:Date}
);
