-- Figures of counters as they stand now, also inside the statement that has just changed them (hence volatile):
-- [[owner, kind, granted, withdrawn, settled], ...]. Counters with a subject, scope or period are left out.
CREATE FUNCTION ledger_figures(p_owners bigint[], p_kinds text[]) RETURNS json LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN (
        SELECT json_agg(json_build_array(f.owner, f.kind, f.granted, f.withdrawn, f.settled)) FROM (
            SELECT c.owner, c.kind, sum(c.granted) + sum(c.withheld) AS granted, sum(c.withdrawn) AS withdrawn,
                   sum(c.tallied + coalesce((
                       -- As in ledger_settled, in place: a call of its own for every row would cost more than the sum.
                       SELECT sum(e.delta) FROM ledger_entry e
                       WHERE e.counter_id = c.id AND e.xact >= c.tallied_xact AND e.kind IN ('open', 'settle', 'reverse')
                   ), 0)) AS settled
            FROM ledger_counter c
            WHERE c.owner = ANY (p_owners) AND c.kind = ANY (p_kinds) AND c.subject = 0 AND c.scope = ''
              AND c.period = ''
            GROUP BY c.owner, c.kind
        ) f
    );
END
$$;
