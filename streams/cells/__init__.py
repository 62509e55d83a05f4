"""When a site-day may be closed, and the jobs that close days and publish today."""
