"""Is the tag on a page, and do its events arrive? What `hmara sites verify` looks at and says."""
