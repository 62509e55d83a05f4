SELECT
    countIf(source = 'import') AS imported_hits,
    countIf(source != 'import') AS other_hits
FROM staging.hit FINAL
WHERE site = {site:String} AND site_day = {site_day:Date};
