-- What they came with
SELECT
    device_class,
    browser_family,
    count() AS views
FROM staging.hit FINAL
WHERE site = 'demo' AND type = 'page_view' AND site_day = today()
GROUP BY device_class, browser_family
ORDER BY views DESC
LIMIT 5
