-- Sessions by where they came from, and by how long and how deep they were.
INSERT INTO fact
SELECT
    0 AS level,
    placed.1 AS cube,
    arraySlice(placed.2, 1, {levels:UInt8}) AS keys,
    [] AS path,
    segment,
    visitor,
    session,
    views,
    views > 0 AS entries,
    views > 0 AS exits,
    is_bounce AS bounces,
    engaged_ms,
    0 AS events
FROM day_session
ARRAY JOIN [
    ('source', [came_from.1, came_from.2, came_from.3]),
    ('session', [
        multiIf(
            length_s < 1, 'under 1 s', length_s < 10, '1-10 s', length_s < 60, '10-60 s',
            length_s < 180, '1-3 min', length_s < 600, '3-10 min', length_s < 1800, '10-30 min',
            'over 30 min'
        ),
        multiIf(
            views = 0, 'no page', views = 1, '1 page', views < 4, '2-3 pages', views < 8,
            '4-7 pages', '8 pages and more'
        )
    ])
] AS placed
WHERE placed.1 IN (SELECT threshold.cube FROM threshold);
