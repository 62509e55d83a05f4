-- Hits received since a moment, each once; the moment is in microseconds since 1970.
SELECT count() AS stored
FROM staging.hit FINAL
WHERE site = 'demo' AND received_at >= fromUnixTimestamp64Micro({since_us:Int64}) -- noqa: PRS
