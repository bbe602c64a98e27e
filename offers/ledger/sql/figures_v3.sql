-- Figures of counters as they stand now, also inside the statement that has just changed them (hence volatile):
-- [[owner, kind, granted, withdrawn, settled], ...]. Counters with a subject, scope or period are left out.
--
-- A popular code's journal grows faster than a worker may come by to tally it, and every line since is added up here.
-- So whoever meets many lines moves the tally of all shards along: never waiting for a row, and at the end of a
-- redemption, when nothing is waited for any more.
CREATE OR REPLACE FUNCTION ledger_figures(p_owners bigint[], p_kinds text[]) RETURNS json LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    c record;
    delta numeric;
    lines bigint;
    found json[];
BEGIN
    FOR c IN
        SELECT k.owner, k.kind, sum(k.granted) + sum(k.withheld) AS granted, sum(k.withdrawn) AS withdrawn,
               sum(k.tallied) AS tallied, array_agg(k.id ORDER BY k.id) AS ids,
               array_agg(k.tallied_xact ORDER BY k.id) AS xacts, min(k.tallied_xact) AS since,
               max(k.tallied_xact) AS latest
        FROM ledger_counter k
        WHERE k.owner = ANY (p_owners) AND k.kind = ANY (p_kinds) AND k.subject = 0 AND k.scope = ''
          AND k.period = ''
        GROUP BY k.owner, k.kind
    LOOP
        IF c.since = c.latest THEN
            SELECT sum(e.delta), count(*) INTO delta, lines FROM ledger_entry e
            WHERE e.counter_id = ANY (c.ids) AND e.xact >= c.since AND e.kind IN ('open', 'settle', 'reverse');
        ELSE
            SELECT sum(l.delta), sum(l.lines) INTO delta, lines
            FROM unnest(c.ids, c.xacts) AS s(id, xact) CROSS JOIN LATERAL (
                SELECT sum(e.delta) AS delta, count(*) AS lines FROM ledger_entry e
                WHERE e.counter_id = s.id AND e.xact >= s.xact AND e.kind IN ('open', 'settle', 'reverse') OFFSET 0) l;
        END IF;
        found := found || json_build_array(c.owner, c.kind, c.granted, c.withdrawn, c.tallied + coalesce(delta, 0));
        IF lines > 120 THEN
            PERFORM ledger_tally(s.id) FROM unnest(c.ids) AS s(id);
        END IF;
    END LOOP;
    RETURN array_to_json(found);
END
$$;
