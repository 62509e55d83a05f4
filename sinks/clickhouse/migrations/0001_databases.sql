-- Why:  one database per plane, so that a grant on a plane is a grant on a database.
-- Cost: none.
CREATE DATABASE IF NOT EXISTS anonymous COMMENT 'Plane A: counts in cells of at least k visitors';
CREATE DATABASE IF NOT EXISTS staging COMMENT 'Plane S: one row per event, at most 48 hours';
CREATE DATABASE IF NOT EXISTS personal COMMENT 'Plane P: rows under a purpose and a basis';
CREATE DATABASE IF NOT EXISTS control COMMENT 'Plane C: consent, erasure, holds, audit';
