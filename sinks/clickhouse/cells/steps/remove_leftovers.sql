ALTER TABLE anonymous.cell DELETE
WHERE site = {site:String} AND site_day = {site_day:Date}
    AND publish_id NOT IN (
        SELECT publish_id
        FROM anonymous.published
        WHERE site = {site:String} AND site_day = {site_day:Date}
    )
SETTINGS mutations_sync = 2;

ALTER TABLE anonymous.site_hour DELETE
WHERE site = {site:String} AND site_day = {site_day:Date}
    AND publish_id NOT IN (
        SELECT publish_id
        FROM anonymous.published
        WHERE site = {site:String} AND site_day = {site_day:Date}
    )
SETTINGS mutations_sync = 2;
