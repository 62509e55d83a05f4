-- Pages seen most today
SELECT
    path,
    count() AS views,
    uniq(visitor_hash) AS visitors
FROM staging.hit FINAL
WHERE site = 'demo' AND type = 'page_view' AND site_day = today()
GROUP BY path
ORDER BY views DESC, path ASC
LIMIT 5
