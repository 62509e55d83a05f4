-- A cube whose whole day has fewer than k visitors is not shown at all.
INSERT INTO shown
SELECT cube
FROM (
    SELECT
        cube,
        segment,
        uniqExact(visitor) AS visitors
    FROM fact
    WHERE level = 0
    GROUP BY segment, cube
) AS counted
INNER JOIN threshold ON counted.cube = threshold.cube
GROUP BY k, cube
HAVING max(visitors) >= k;
