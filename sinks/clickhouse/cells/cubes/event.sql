-- What was done on pages: clicks on a grid of 20 x 20, links left by, files, forms, own events.
INSERT INTO fact
SELECT
    0 AS level,
    multiIf(
        type = 'click', 'heatmap', type = 'outbound', 'outbound', type = 'download', 'download',
        type = 'form_submit', 'form', 'custom'
    ) AS cube,
    arraySlice(multiIf(
        type = 'click', [
            day_hit.path,
            toString(viewport_class),
            concat(
                toString(least(intDiv(x_permille, 50), 19)),
                ',',
                toString(least(intDiv(y_permille, 50), 19))
            )
        ],
        type IN ('outbound', 'download'), [toString(link_host), link_path],
        type = 'form_submit', [toString(form_name)],
        [toString(custom_name)]
    ), 1, {levels:UInt8}) AS keys,
    [] AS path,
    segment,
    visitor,
    session,
    0 AS views,
    0 AS entries,
    0 AS exits,
    0 AS bounces,
    0 AS engaged_ms,
    count() AS events
FROM day_hit
WHERE (
    type IN ('outbound', 'download', 'form_submit', 'custom')
    OR (type = 'click' AND x_permille >= 0 AND y_permille >= 0)
)
AND cube IN (SELECT threshold.cube FROM threshold)
GROUP BY keys, cube, segment, visitor, session;
