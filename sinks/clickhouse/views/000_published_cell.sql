-- The cells of closed days: what every other view is made of. A name for what has none.
CREATE OR REPLACE VIEW anonymous.published_cell
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    site_day AS day,
    cube,
    level,
    arrayMap(
        (key, other) -> if(other = 1, '(other)', if(key = '', '(none)', key)), keys, is_other
    ) AS labels,
    visitors,
    is_lower_bound,
    sessions,
    views,
    entries,
    exits,
    bounces,
    toDecimal64(engaged_ms / 1000, 3) AS engaged_seconds,
    events,
    merged AS hidden
FROM anonymous.cell
WHERE (site, site_day, publish_id) IN (
    SELECT
        published.site,
        published.site_day,
        published.publish_id
    FROM anonymous.published
);
