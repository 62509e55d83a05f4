-- Pages, with how deep and how long each page load was looked at; devices; places; settings.
-- Everything that a session sent from a page counts for the page, so a visitor of the page is who
-- sent anything from it.
INSERT INTO fact
SELECT
    0 AS level,
    placed.1 AS cube,
    arraySlice(placed.2, 1, {levels:UInt8}) AS keys,
    [] AS path,
    segment,
    visitor,
    session,
    sum(page_views) AS views,
    sum(page_entries) AS entries,
    sum(page_exits) AS exits,
    sum(page_bounces) AS bounces,
    sum(page_engaged_ms) AS engaged_ms,
    0 AS events
FROM (
    SELECT
        day_hit.segment AS segment,
        day_hit.visitor AS visitor,
        day_hit.session AS session,
        day_hit.path AS page,
        any((device_class, os_family, browser_family, browser_major)) AS device,
        any((country, region)) AS place,
        any((resolution_bucket, language, keyboard_class)) AS settings,
        max(scroll_permille) AS scroll,
        sum(engaged_ms) AS page_engaged_ms,
        countIf(is_view) AS page_views,
        countIf(is_entry) AS page_entries,
        countIf(is_exit) AS page_exits,
        countIf(is_bounce_entry) AS page_bounces
    FROM day_hit
    GROUP BY segment, visitor, session, page, page_load_hash
)
ARRAY JOIN [
    ('page', [page]),
    ('page_reading', [
        page,
        multiIf(
            scroll < 0, 'not known', scroll < 250, '0-25 %', scroll < 500, '25-50 %',
            scroll < 750, '50-75 %', '75-100 %'
        ),
        multiIf(
            page_engaged_ms < 1000, 'under 1 s', page_engaged_ms < 10000, '1-10 s',
            page_engaged_ms < 30000, '10-30 s', page_engaged_ms < 120000, '30-120 s',
            'over 2 min'
        )
    ]),
    ('device', [device.1, device.2, device.3, device.4]),
    ('place', [place.1, place.2]),
    ('resolution', [settings.1]),
    ('language', [settings.2]),
    ('keyboard', [settings.3])
] AS placed
WHERE placed.1 IN (SELECT threshold.cube FROM threshold)
GROUP BY keys, cube, segment, visitor, session;
