-- For reports; as old as the last CALL refresh_team_sizes().
CREATE MATERIALIZED VIEW team_sizes AS
SELECT teams.id AS team_id, teams.name, count(memberships.user_id) AS members
FROM teams LEFT JOIN memberships ON memberships.team_id = teams.id
GROUP BY teams.id;

CREATE UNIQUE INDEX uq_team_sizes_team_id ON team_sizes (team_id);
