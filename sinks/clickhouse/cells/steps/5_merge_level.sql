-- One level of every cube's chain. Of several salt segments the one with most visitors counts.
INSERT INTO child
SELECT
    {level:UInt8} AS level,
    cube,
    path,
    key,
    max(visitors) AS visitors,
    k
FROM (
    SELECT
        cube,
        path,
        keys[{level:UInt8}] AS key,
        segment,
        uniqExact(visitor) AS visitors
    FROM fact
    WHERE level = {level:UInt8} - 1 AND length(keys) >= {level:UInt8}
        AND cube IN (SELECT cube FROM shown)
    GROUP BY path, cube, key, segment
) AS counted
INNER JOIN threshold ON counted.cube = threshold.cube
GROUP BY path, cube, key, k;

-- Children below k merge.
INSERT INTO merged
SELECT
    level,
    cube,
    path,
    key
FROM child
WHERE level = {level:UInt8} AND visitors < k;

-- If they are below k together, the smallest of the others joins them; it has k by itself.
INSERT INTO merged
SELECT
    level,
    cube,
    path,
    argMin(key, (visitors, key)) AS key
FROM child
WHERE level = {level:UInt8} AND visitors >= k AND (cube, path) IN (
    SELECT
        cube,
        path
    FROM (
        SELECT
            cube,
            path,
            segment,
            uniqExact(visitor) AS visitors
        FROM fact
        WHERE level = {level:UInt8} - 1
            AND (cube, path, keys[{level:UInt8}]) IN (
                SELECT
                    cube,
                    path,
                    key
                FROM merged
                WHERE level = {level:UInt8}
            )
        GROUP BY path, cube, segment
    ) AS together
    INNER JOIN threshold ON together.cube = threshold.cube
    GROUP BY path, cube, k
    HAVING max(visitors) < k
)
GROUP BY level, cube, path;

INSERT INTO fact
SELECT
    {level:UInt8} AS level,
    cube,
    keys,
    arrayPushBack(
        path,
        CAST(
            (if(is_merged, '', keys[{level:UInt8}]), is_merged),
            'Tuple(key String, is_other UInt8)'
        )
    ) AS path,
    segment,
    visitor,
    session,
    views,
    entries,
    exits,
    bounces,
    engaged_ms,
    events
FROM (
    SELECT
        *,
        (cube, path, keys[{level:UInt8}]) IN (
            SELECT
                cube,
                path,
                key
            FROM merged
            WHERE level = {level:UInt8}
        ) AS is_merged
    FROM fact
    WHERE level = {level:UInt8} - 1 AND length(keys) >= {level:UInt8}
        AND cube IN (SELECT cube FROM shown)
);
