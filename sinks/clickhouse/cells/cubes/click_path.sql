-- One, two and three steps in a row, of page views and click targets; visitors alone are counted.
INSERT INTO fact
SELECT
    0 AS level,
    concat('click_path_', toString(n)) AS cube,
    [arrayStringConcat(arraySlice(steps, start, n), ' > ')] AS keys,
    [] AS path,
    segment,
    visitor,
    session,
    0 AS views,
    0 AS entries,
    0 AS exits,
    0 AS bounces,
    0 AS engaged_ms,
    0 AS events
FROM (
    SELECT
        segment,
        visitor,
        session,
        arrayMap(x -> x.2, arraySort(groupArray((
            position,
            if(is_view, day_hit.path, concat('[', target_role, ' ', target_label, ']'))
        )))) AS steps
    FROM day_hit
    WHERE type IN ('page_view', 'click')
    GROUP BY segment, visitor, session
)
ARRAY JOIN [1, 2, 3] AS n
ARRAY JOIN range(1, toUInt64(greatest(toInt64(length(steps)) - n + 2, 1))) AS start
WHERE cube IN (SELECT threshold.cube FROM threshold)
GROUP BY keys, cube, segment, visitor, session;
