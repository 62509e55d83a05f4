-- Events by hour and type
SELECT
    site_hour,
    type,
    count() AS events
FROM staging.hit FINAL
WHERE site = 'demo' AND site_day = today()
GROUP BY site_hour, type
ORDER BY site_hour DESC, events DESC
LIMIT 8
