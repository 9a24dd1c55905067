-- logout_not_asked, declared in src/domain/logout/termination/termination-record.repository.ts
-- parameters:
--   id uuid
--   clientIds text[]

UPDATE session_terminations t SET receipted_at = NULL, without_notice = (
  SELECT jsonb_agg(CASE WHEN w.item ->> 'state' = 'asked' AND w.item ->> 'client_id' = ANY(:clientIds)
                        THEN w.item || '{"state": "not_told", "reason": "frontchannel_uri_refused"}' ELSE w.item END ORDER BY w.place)
    FROM jsonb_array_elements(t.without_notice) WITH ORDINALITY AS w(item, place))
 WHERE t.id = :id AND jsonb_array_length(t.without_notice) > 0;
