-- Figures of counters as they stand now, also inside the statement that has just changed them (hence volatile):
-- {"<owner>": {"<kind>": [granted, withdrawn, settled]}}. Subjects, scopes and periods are left out.
CREATE FUNCTION ledger_figures(p_owners bigint[], p_kinds text[]) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(k.owner, k.kinds) FROM (
            SELECT f.owner, jsonb_object_agg(f.kind, jsonb_build_array(f.granted, f.withdrawn, f.settled)) AS kinds
            FROM (
                SELECT c.owner, c.kind, sum(c.granted) + sum(c.withheld) AS granted, sum(c.withdrawn) AS withdrawn,
                       sum(ledger_settled(c.id)) AS settled
                FROM ledger_counter c
                WHERE c.owner = ANY (p_owners) AND c.kind = ANY (p_kinds) AND c.subject = 0 AND c.scope = ''
                  AND c.period = ''
                GROUP BY c.owner, c.kind
            ) f GROUP BY f.owner
        ) k
    );
END
$$;
