-- Puts back what writes have changed. ${due} of the plans are due on the day that starts at ${today} (UTC).
DELETE FROM track_interaction WHERE id > ${interactions};
DELETE FROM call_callevent;
DELETE FROM call_callplan;
INSERT INTO call_callplan (id, lead_id, frequency, initial_frequency, last_called, next_call_date, anchor, notes, paused,
    sequence, created_by_id, created_at, updated_at)
SELECT id, id, frequency, frequency, to_timestamp(${today} - 86400 * (1 + id % 27)),
    to_timestamp(${today} + 36000 + CASE WHEN id % (${leads} / ${due}) = 0 THEN id % 600 ELSE 86400 * (1 + id % 27) END),
    to_timestamp(${start}), 'Prefers calls after ' || (9 + id % 9) || ':00', 1 = 0, 0, 1, to_timestamp(${start}),
    to_timestamp(${start})
FROM (SELECT id, CASE id % 4 WHEN 0 THEN 'DAILY' WHEN 1 THEN 'WEEKLY' WHEN 2 THEN 'BIWEEKLY' ELSE 'MONTHLY' END AS frequency
      FROM lead_restaurant) AS leads;
