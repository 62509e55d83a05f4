-- Where on a page was clicked: a grid of 20 x 20, from 0,0 at the top left; (other) has no place.
CREATE OR REPLACE VIEW anonymous.heatmap_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS page,
    labels[2] AS viewport,
    toUInt8OrNull(splitByChar(',', labels[3])[1]) AS grid_x,
    toUInt8OrNull(splitByChar(',', labels[3])[2]) AS grid_y,
    visitors,
    is_lower_bound,
    events AS clicks,
    hidden
FROM anonymous.published_cell
WHERE cube = 'heatmap' AND level = 3;
