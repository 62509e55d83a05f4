-- Whether plane A holds what this run has counted, neither less nor more.
SELECT
    (
        SELECT
            count(),
            sum(visitors),
            sum(views),
            sum(events)
        FROM counted_cell
    ) = (
        SELECT
            count(),
            sum(visitors),
            sum(views),
            sum(events)
        FROM anonymous.cell
        WHERE site = {site:String} AND site_day = {site_day:Date}
            AND publish_id = {publish_id:UUID}
    )
    AND (
        SELECT
            uniqExact(site_hour),
            sum(segment_hits)
        FROM hour_total
    ) = (
        SELECT
            count(),
            sum(hits)
        FROM anonymous.site_hour
        WHERE site = {site:String} AND site_day = {site_day:Date}
            AND publish_id = {publish_id:UUID}
    ) AS is_whole;
