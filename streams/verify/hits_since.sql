-- Page views of one page received since a moment, each once; the moment is in microseconds since
-- 1970. A site's day may be the UTC day before or after that of the moment.
SELECT count() AS hits
FROM staging.hit FINAL
WHERE
    site = {site:String} AND path = {path:String} AND type = 'page_view'
    AND received_at >= fromUnixTimestamp64Micro({since_us:Int64})
    AND site_day >= toDate(fromUnixTimestamp64Micro({since_us:Int64})) - 1
