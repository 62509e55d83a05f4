SELECT max(hits) AS late_hits
FROM anonymous.late
WHERE site = {site:String} AND site_day = {site_day:Date};
