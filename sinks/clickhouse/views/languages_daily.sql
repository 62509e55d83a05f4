-- Languages of browsers.
CREATE OR REPLACE VIEW anonymous.languages_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS language,
    visitors,
    is_lower_bound,
    sessions,
    views,
    bounces,
    engaged_seconds,
    hidden
FROM anonymous.published_cell
WHERE cube = 'language' AND level = 1;
