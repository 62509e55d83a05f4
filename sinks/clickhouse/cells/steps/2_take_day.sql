-- The day's hits, each once, cut into sessions: a visitor's events in order, gaps under 30 min.
CREATE TEMPORARY TABLE ordered_hit
ENGINE = MergeTree
ORDER BY (segment, visitor, position)
AS
SELECT
    * EXCEPT (is_start),
    cityHash64(
        segment,
        visitor,
        sum(is_start) OVER (
            PARTITION BY segment, visitor
            ORDER BY position ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ) AS session
FROM (
    SELECT
        salt_segment AS segment,
        visitor_hash AS visitor,
        row_number() OVER whole AS position,
        event_time >= lagInFrame(event_time, 1, toDateTime64(0, 6, 'UTC')) OVER whole
        + INTERVAL 30 MINUTE AS is_start,
        toUnixTimestamp64Milli(event_time) AS at_ms,
        site_hour,
        page_load_hash,
        CAST(type, 'String') AS type,
        path,
        referrer_host,
        channel,
        utm_campaign,
        target_role,
        target_label,
        x_permille,
        y_permille,
        scroll_permille,
        engaged_ms,
        link_host,
        link_path,
        form_name,
        custom_name,
        country,
        region,
        device_class,
        os_family,
        browser_family,
        browser_major,
        resolution_bucket,
        viewport_class,
        language,
        keyboard_class
    FROM staging.hit FINAL
    WHERE site = {site:String} AND site_day = {site_day:Date}
    WINDOW whole AS (
        PARTITION BY salt_segment, visitor_hash
        ORDER BY event_time ASC, seq ASC, hit_key ASC
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
);

CREATE TEMPORARY TABLE day_session
ENGINE = MergeTree
ORDER BY session
AS
SELECT
    session,
    any(segment) AS segment,
    any(visitor) AS visitor,
    countIf(type = 'page_view') AS views,
    minIf(position, type = 'page_view') AS entry_position,
    maxIf(position, type = 'page_view') AS exit_position,
    views = 1 AS is_bounce,
    intDiv(max(at_ms) - min(at_ms), 1000) AS length_s,
    sum(engaged_ms) AS engaged_ms,
    -- The source is the first page view's; without one, the first event's.
    argMin((channel, referrer_host, utm_campaign), (type != 'page_view', position)) AS came_from,
    argMin(site_hour, position) AS start_hour
FROM ordered_hit
GROUP BY session;

CREATE TEMPORARY TABLE day_hit
ENGINE = MergeTree
ORDER BY (type, path)
AS
SELECT
    ordered_hit.*,
    type = 'page_view' AS is_view,
    is_view AND position = entry_position AS is_entry,
    is_view AND position = exit_position AS is_exit,
    is_entry AND is_bounce AS is_bounce_entry
FROM ordered_hit
INNER JOIN day_session ON ordered_hit.session = day_session.session;
