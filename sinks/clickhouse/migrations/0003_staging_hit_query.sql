-- Why:  pages whose content hangs on a parameter (a search, a page number) are told apart by the
--       parameters that their site lists; all others are cut off in the collector.
-- Cost: none (metadata only; parts written before have the empty default).
ALTER TABLE staging.hit ADD COLUMN IF NOT EXISTS query String CODEC(ZSTD(1)) AFTER path;
