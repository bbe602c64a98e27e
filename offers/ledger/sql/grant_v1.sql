-- Grants on many counters of one row each, a line of the journal per grant. One that was made before fails as a whole.
CREATE OR REPLACE FUNCTION ledger_grant_many(p_counters bigint[], p_amounts bigint[], p_references text[],
                                             p_reasons text[], p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM ledger_counter c WHERE c.id = ANY (p_counters) ORDER BY c.id FOR UPDATE;
    UPDATE ledger_counter c
    SET granted = c.granted + g.amount, overdrawn = greatest(0, c.taken - (c.granted + g.amount)), counted = true
    FROM (SELECT x.id, sum(x.amount)::bigint AS amount FROM unnest(p_counters, p_amounts) AS x(id, amount)
          GROUP BY x.id OFFSET 0) g
    WHERE c.id = g.id AND c.shards = 1;
    INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
    SELECT x.id, 'grant', x.amount, x.reference, x.reason, p_now
    FROM unnest(p_counters, p_amounts, p_references, p_reasons) AS x(id, amount, reference, reason);
END
$$;
