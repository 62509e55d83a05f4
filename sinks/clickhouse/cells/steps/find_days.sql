-- Every site-day that has hits in S, closed or not, the oldest first.
SELECT
    site,
    site_day
FROM staging.hit
GROUP BY site, site_day
ORDER BY site_day, site;
