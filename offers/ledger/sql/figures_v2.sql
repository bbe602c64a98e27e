-- Figures of counters as they stand now, also inside the statement that has just changed them (hence volatile):
-- [[owner, kind, granted, withdrawn, settled], ...]. As figures_v1.sql, a loop instead of one nested statement.
-- Counters with a subject, scope or period are left out.
CREATE OR REPLACE FUNCTION ledger_figures(p_owners bigint[], p_kinds text[]) RETURNS json LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    c record;
    -- As in ledger_settled, in place: a call of its own for every row would cost more than the sum.
    settled numeric;
    part numeric;
    found json[];
BEGIN
    FOR c IN
        SELECT k.owner, k.kind, sum(k.granted) + sum(k.withheld) AS granted, sum(k.withdrawn) AS withdrawn,
               sum(k.tallied) AS tallied, array_agg(k.id) AS ids, array_agg(k.tallied_xact) AS since
        FROM ledger_counter k
        WHERE k.owner = ANY (p_owners) AND k.kind = ANY (p_kinds) AND k.subject = 0 AND k.scope = ''
          AND k.period = ''
        GROUP BY k.owner, k.kind
    LOOP
        settled := c.tallied;
        FOR n IN 1 .. cardinality(c.ids) LOOP
            SELECT sum(e.delta) INTO part FROM ledger_entry e
            WHERE e.counter_id = c.ids[n] AND e.xact >= c.since[n] AND e.kind IN ('open', 'settle', 'reverse');
            settled := settled + coalesce(part, 0);
        END LOOP;
        found := found || json_build_array(c.owner, c.kind, c.granted, c.withdrawn, settled);
    END LOOP;
    RETURN array_to_json(found);
END
$$;
