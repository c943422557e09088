-- The bench's data, the same on PostgreSQL and SQLite (which is given to_timestamp).
-- Every lead has two contacts, one plan and an equal share of the interactions, spread over the whole table.
-- Interaction i is dated ${start} + i * ${step} seconds and a fraction, so that a window of n steps holds n rows.
CREATE TEMPORARY TABLE n AS
WITH RECURSIVE n(i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${interactions})
SELECT i FROM n;

INSERT INTO lead_restaurant (id, name, address, city, state, pincode, contact_person, phone, email, lead_status,
    potential_revenue, notes, restaurant_type, cuisine_type, search, assigned_to_id, created_by_id, created_at, updated_at)
SELECT i, 'Restaurant ' || i, i % 400 || ' Market Street', 'City ' || i % 97, 'State ' || i % 29, '' || (100000 + i % 900000),
    'Person ' || i, '+91' || (9000000000 + i), 'restaurant' || i || '@example.com',
    CASE i % 6 WHEN 0 THEN 'NEW' WHEN 1 THEN 'CONTACTED' WHEN 2 THEN 'MEETING_SCHEDULED'
        WHEN 3 THEN 'NEGOTIATING' WHEN 4 THEN 'CONVERTED' ELSE 'LOST' END,
    1000 * (i % 500), '', 'Casual', 'Cuisine ' || i % 13,
    'restaurant ' || i || '
person ' || i || '
+91' || (9000000000 + i) || '
restaurant' || i || '@example.com
city ' || i % 97 || '
91' || (9000000000 + i),
    1, 1, to_timestamp(${start} - i * 60), to_timestamp(${start} - i * 60)
FROM n WHERE i <= ${leads};

INSERT INTO contact_contact (id, restaurant_id, name, role, email, phone, address, search, created_by_id, created_at,
    updated_at)
SELECT i, (i + 1) / 2, 'Contact ' || i, 'Manager', 'contact' || i || '@example.com', '+91' || (8000000000 + i), '',
    'contact ' || i || '
manager
+91' || (8000000000 + i) || '
contact' || i || '@example.com
91' || (8000000000 + i),
    1, to_timestamp(${start} - i * 60), to_timestamp(${start} - i * 60)
FROM n WHERE i <= 2 * ${leads};

INSERT INTO track_interaction (id, lead_id, contact_id, interaction_type, details, order_placed, date, created_by_id,
    created_at, updated_at)
SELECT i, lead, 2 * lead - i % 2,
    CASE WHEN i % 10 = 0 THEN 'ORDER' WHEN i % 3 = 0 THEN 'CALL' WHEN i % 3 = 1 THEN 'VISIT' ELSE 'EMAIL' END,
    'Call ' || i || ': ' || substr('spoke about the weekly order, the terms of delivery and the new menu; the owner wants'
        || ' to see the catalog before the end of the month and asks for a call back', 1, CAST(40 + i * 31 % 120 AS integer)),
    i % 10 = 0, to_timestamp(${start} + i * ${step} + i % 4 * 0.25), 1, to_timestamp(${start} + i * ${step}),
    to_timestamp(${start} + i * ${step})
FROM (SELECT i, 1 + (i * 7919 + i / ${leads} * 17) % ${leads} AS lead FROM n) AS numbered;

DROP TABLE n;
