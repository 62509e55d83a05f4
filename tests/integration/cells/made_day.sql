-- A day of made-up hits, four to a page load. With copy = 1 every tenth is delivered again, later, to
-- another path and hour: who counts it twice, or takes the later one, is found out.
INSERT INTO staging.hit (
    hit_key, page_load_hash, seq, type, event_time, path, referrer_host, channel, utm_campaign,
    target_role, target_label, x_permille, y_permille, scroll_permille, engaged_ms, link_host,
    link_path, form_name, custom_name, site, source, received_at, site_day, site_hour, visitor_hash,
    salt_segment, country, region, device_class, os_family, browser_family, browser_major,
    resolution_bucket, viewport_class, language, keyboard_class, first_wins
)
SELECT
    sipHash64(number, {site:String}, {day:Date}) AS hit_key,
    sipHash64(page_load, {site:String}, {day:Date}) AS page_load_hash,
    number % 4 AS seq,
    if(
        seq = 0,
        'page_view',
        ['click', 'engagement', 'page_end', 'outbound', 'download', 'form_submit', 'custom'][
            1 + sipHash64(number, 'type') % 7
        ]
    ) AS type,
    toDateTime64({day:Date}, 6, 'UTC')
    + toIntervalMillisecond(sipHash64(page_load, 'time') % 80000000 + seq * 5000) AS event_time,
    if(
        copy = 1,
        '/twice',
        concat('/p', toString(toUInt32(exp(sipHash64(page_load, 'path') % 1000 / 200))))
    ) AS path,
    if(v % 7 = 0, concat('h', toString(v % 50), '.example'), '') AS referrer_host,
    ['direct', 'search', 'social'][1 + v % 3] AS channel,
    if(v % 11 = 0, 'spring', '') AS utm_campaign,
    'button' AS target_role,
    concat('b', toString(number % 5)) AS target_label,
    if(type = 'click', sipHash64(number, 'x') % 1001, -1) AS x_permille,
    if(type = 'click', sipHash64(number, 'y') % 1001, -1) AS y_permille,
    if(type = 'page_end', sipHash64(number, 's') % 1001, -1) AS scroll_permille,
    if(type IN ('engagement', 'page_end'), sipHash64(number, 'e') % 90000, 0) AS engaged_ms,
    if(type IN ('outbound', 'download'), concat('out', toString(v % 9)), '') AS link_host,
    if(type IN ('outbound', 'download'), concat('/l', toString(number % 13)), '') AS link_path,
    if(type = 'form_submit', concat('f', toString(number % 3)), '') AS form_name,
    if(type = 'custom', concat('c', toString(number % 4)), '') AS custom_name,
    {site:String} AS site,
    'tag' AS source,
    event_time + INTERVAL copy HOUR AS received_at,
    {day:Date} AS site_day,
    least(toHour(received_at), 23) AS site_hour,
    sipHash64(v, {site:String}, {day:Date}) AS visitor_hash,
    if({segments:UInt8} > 1, 1 + (toHour(event_time) >= 12), 1) AS salt_segment,
    concat('C', toString(toUInt32(exp(v % 1000 / 250)))) AS country,
    concat('R', toString(v % 5)) AS region,
    ['desktop', 'phone', 'tablet'][1 + (v % 40 > 25) + (v % 40 > 38)] AS device_class,
    concat('os', toString(v % 4)) AS os_family,
    concat('br', toString(v % 3)) AS browser_family,
    toString(v % 6) AS browser_major,
    concat('r', toString(v % 5)) AS resolution_bucket,
    concat('vp', toString(v % 5)) AS viewport_class,
    concat('l', toString(v % 30)) AS language,
    if(v % 2 = 0, 'qwerty', '') AS keyboard_class,
    18446744073709551615 - toUInt64(toUnixTimestamp64Micro(received_at)) AS first_wins
FROM (
    SELECT
        number,
        intDiv(number, 4) AS page_load,
        sipHash64(page_load, 'visitor') % {visitors:UInt64} AS v,
        {copy:UInt8} AS copy
    FROM numbers({hits:UInt64})
    WHERE copy = 0 OR number % 10 = 0
);
