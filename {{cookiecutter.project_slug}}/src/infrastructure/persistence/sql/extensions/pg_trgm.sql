-- Names that are spelled nearly alike: the index ix_teams_name_likeness.
CREATE EXTENSION pg_trgm;
