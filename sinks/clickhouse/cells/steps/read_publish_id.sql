SELECT publish_id
FROM anonymous.published
WHERE site = {site:String} AND site_day = {site_day:Date}
LIMIT 1;
