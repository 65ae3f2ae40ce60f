-- Readers are not kept waiting, thanks to the view's unique index.
CREATE PROCEDURE refresh_team_sizes()
LANGUAGE plpgsql AS $$
BEGIN
    REFRESH MATERIALIZED VIEW CONCURRENTLY team_sizes;
END
$$;
