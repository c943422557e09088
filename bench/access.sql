-- 500 users in 60 teams five levels deep, who own the leads; one lead of 199 has no owner, and one user of 100 is inactive.
-- User u <= 60 manages team u; teams 2 to 4 are below the first, 5 to 12 below those, 13 to 28, and 29 to 60.
INSERT INTO auth_user (id, username, password, first_name, last_name, email, is_superuser, is_staff, is_active, date_joined)
SELECT u, 'user' || u, kam.password, '', '', '', false, false, u % 100 <> 99, kam.date_joined
FROM generate_series(2, 500) AS u, auth_user AS kam WHERE kam.id = 1;

INSERT INTO lead_team (id, name, parent_id, created_at, updated_at)
SELECT t, 'Team ' || t, CASE WHEN t > 28 THEN 13 + (t - 29) % 16 WHEN t > 12 THEN 5 + (t - 13) % 8
    WHEN t > 4 THEN 2 + (t - 5) % 3 WHEN t > 1 THEN 1 END, now(), now()
FROM generate_series(1, 60) AS t;

INSERT INTO lead_team_members (team_id, user_id) SELECT 1 + u % 60, u FROM generate_series(1, 500) AS u;
INSERT INTO lead_team_managers (team_id, user_id) SELECT u, u FROM generate_series(1, 60) AS u;

UPDATE lead_restaurant SET assigned_to_id = CASE WHEN id % 199 <> 0 THEN 1 + id * 7 % 500 END;
