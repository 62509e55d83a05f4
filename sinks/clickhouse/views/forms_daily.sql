-- Forms that were sent.
CREATE OR REPLACE VIEW anonymous.forms_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    site,
    day,
    labels[1] AS form,
    visitors,
    is_lower_bound,
    sessions,
    events AS submissions,
    hidden
FROM anonymous.published_cell
WHERE cube = 'form' AND level = 1;
