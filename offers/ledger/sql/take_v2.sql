-- The same promises as take_v1.sql, in statements whose plans stay right whatever the statistics say.
--
-- A table or an index of rows that come and go (live holds, fresh counters) looks empty whenever it was analysed in a
-- quiet hour. A plan of two tables then begins with whichever looks emptier and walks through all of it. So what a
-- request does is done one table and one index at a time; where a join is needed, OFFSET 0 says which side leads.

-- Owns all shards of a counter and says its limit and what is taken. An uncounted one is counted when p_count is set;
-- claims made at this moment wait.
CREATE OR REPLACE FUNCTION ledger_own(p_family bigint, p_count boolean) RETURNS TABLE (granted bigint, taken bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    IF p_count AND EXISTS (SELECT FROM ledger_counter c WHERE c.id = p_family AND NOT c.counted) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('ledger_limit', p_family));
    END IF;
    PERFORM 1 FROM ledger_counter f JOIN ledger_counter c USING (owner, kind, subject, scope, period)
    WHERE f.id = p_family ORDER BY c.id FOR UPDATE OF c;
    IF p_count THEN
        UPDATE ledger_counter c SET counted = true, taken = ledger_settled(c.id) + coalesce((
            SELECT sum(h.amount) FROM ledger_hold h WHERE h.counter_id = c.id AND h.state = 'live'
            AND h.expires_at > '-infinity'), 0)  -- always so; opens the index hold_due
        WHERE c.id = p_family AND NOT c.counted;
    END IF;
    RETURN QUERY SELECT (sum(c.granted) + sum(c.withheld))::bigint, sum(c.taken)::bigint
        FROM ledger_counter f JOIN ledger_counter c USING (owner, kind, subject, scope, period) WHERE f.id = p_family;
END
$$;

-- The whole of ledger_take: any number of wants, opening counters, replacing own holds, limits brought by rules.
-- Its plans are the same for all requests, and making them anew takes seven times as long as running them.
CREATE OR REPLACE FUNCTION ledger_take_all(p_retailer bigint, p_wants jsonb, p_reference text, p_items text[],
                                           p_settle boolean, p_expires timestamptz, p_now timestamptz)
RETURNS TABLE (ok boolean, item text, kind text, available bigint) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    w record;
    piece record;
    own_ids bigint[] := '{}';
    moved_ids bigint[] := '{}';
    moved_deltas bigint[] := '{}';
    piece_ids bigint[] := '{}';
    piece_amounts bigint[] := '{}';
    piece_items text[] := '{}';
    piece_entries text[] := '{}';
    owned bigint := 0;
    limited bigint := 0;
    rest bigint;
    kept bigint;
    short boolean := false;
    short_left bigint;
BEGIN
    -- A hold past its time is nobody's: what it holds comes back to whoever is short, its owner or somebody else.
    IF p_reference <> '' THEN
        SELECT coalesce(array_agg(h.id), '{}') INTO own_ids FROM (
            SELECT id FROM ledger_hold
            WHERE reference = p_reference AND state = 'live' AND item = ANY (p_items)
              AND (pinned OR expires_at > p_now)
            ORDER BY id FOR UPDATE) h;
    END IF;

    FOR w IN
        SELECT x.* FROM jsonb_to_recordset(p_wants) AS x(kind text, owner bigint, subject bigint, scope text,
               period text, granted bigint, counted boolean, shards integer, opening bigint)
        WHERE NOT EXISTS (SELECT FROM ledger_counter c WHERE c.owner = x.owner AND c.kind = x.kind
            AND c.subject = x.subject AND c.scope = x.scope AND c.period = x.period AND c.shard = 0)
        ORDER BY x.kind, x.owner, x.subject, x.scope, x.period
    LOOP
        PERFORM ledger_open(p_retailer, w.kind, w.owner, w.subject, w.scope, w.period, w.granted, w.counted, w.shards,
                            w.opening, p_now);
    END LOOP;

    FOR w IN
        SELECT coalesce(m.item, o.item) AS item, coalesce(m.kind, o.kind) AS kind, coalesce(m.amount, 0) AS amount,
               m.granted, coalesce(m.fixed, false) AS fixed, m.entry, coalesce(m.family, o.family) AS family,
               coalesce(m.shards, o.shards) AS shards, coalesce(m.counted, o.counted) AS counted, m.allowed,
               coalesce(o.held, 0) AS held, coalesce(o.ids, '{}') AS ids, coalesce(o.amounts, '{}') AS amounts,
               count(*) OVER (PARTITION BY coalesce(m.family, o.family)) AS together
        FROM (
            SELECT x.item, x.kind, x.amount, x.granted, x.fixed, x.entry, c.family, c.shards, c.counted,
                   c.granted AS allowed
            FROM jsonb_to_recordset(p_wants) AS x(item text, kind text, owner bigint, subject bigint, scope text,
                 period text, amount bigint, granted bigint, fixed boolean, entry text)
            CROSS JOIN LATERAL (
                SELECT k.* FROM ledger_counter k WHERE k.owner = x.owner AND k.kind = x.kind AND k.subject = x.subject
                AND k.scope = x.scope AND k.period = x.period AND k.shard = 0 OFFSET 0) c
        ) m FULL JOIN (
            SELECT c.family, h.item, f.kind, f.shards, f.counted, sum(h.amount)::bigint AS held,
                   array_agg(h.counter_id ORDER BY h.counter_id, h.id) AS ids,
                   array_agg(h.amount ORDER BY h.counter_id, h.id) AS amounts
            FROM ledger_hold h
            CROSS JOIN LATERAL (SELECT k.family FROM ledger_counter k WHERE k.id = h.counter_id OFFSET 0) c
            CROSS JOIN LATERAL (SELECT k.* FROM ledger_counter k WHERE k.id = c.family OFFSET 0) f
            WHERE h.id = ANY (own_ids) GROUP BY c.family, h.item, f.kind, f.shards, f.counted
        ) o ON o.family = m.family AND o.item = m.item
        -- Within a counter what gives back comes before what takes: both are of one request.
        ORDER BY coalesce(m.family, o.family), coalesce(m.fixed, false) DESC,
                 coalesce(m.amount, 0) - coalesce(o.held, 0), coalesce(m.item, o.item)
    LOOP
        IF w.fixed AND w.shards = 1 AND w.allowed IS DISTINCT FROM w.granted AND limited <> w.family THEN
            PERFORM ledger_limit(w.family, w.granted, 'limit:' || nextval('ledger_entry_id_seq'),
                                 'the limit of the rule changed', p_now);
            limited := w.family;
        ELSIF NOT w.counted AND limited <> w.family THEN
            PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger_limit', w.family));
            PERFORM 1 FROM ledger_counter c WHERE c.id = w.family AND c.counted;
            IF NOT FOUND THEN
                IF w.amount > 0 THEN
                    piece_ids := piece_ids || w.family;
                    piece_amounts := piece_amounts || w.amount;
                    piece_items := piece_items || w.item;
                    piece_entries := piece_entries || w.entry;
                END IF;
                CONTINUE;
            END IF;
        END IF;
        IF w.shards > 1 AND w.together > 1 AND owned <> w.family THEN
            -- Met more than once: two shards owned out of order could meet somebody else's two.
            PERFORM ledger_own(w.family, false);
            owned := w.family;
        END IF;
        -- What is held already stays where it is; what is no longer wanted of it goes back.
        rest := w.amount;
        FOR n IN 1 .. cardinality(w.ids) LOOP
            kept := least(w.amounts[n], rest);
            rest := rest - kept;
            IF kept > 0 THEN
                piece_ids := piece_ids || w.ids[n];
                piece_amounts := piece_amounts || kept;
                piece_items := piece_items || w.item;
                piece_entries := piece_entries || w.entry;
            END IF;
            IF kept < w.amounts[n] THEN
                PERFORM ledger_give(w.ids[n], w.amounts[n] - kept);
                moved_ids := moved_ids || w.ids[n];
                moved_deltas := moved_deltas || kept - w.amounts[n];
            END IF;
        END LOOP;
        CONTINUE WHEN rest = 0;
        IF w.shards = 1 AND ledger_move(w.family, rest, p_now) THEN
            moved_ids := moved_ids || w.family;
            moved_deltas := moved_deltas || rest;
            piece_ids := piece_ids || w.family;
            piece_amounts := piece_amounts || rest;
            piece_items := piece_items || w.item;
            piece_entries := piece_entries || w.entry;
            CONTINUE;
        ELSIF w.shards > 1 THEN
            FOR piece IN SELECT s.counter_id, s.amount FROM ledger_spread(w.family, rest, p_now) s LOOP
                rest := rest - piece.amount;
                moved_ids := moved_ids || piece.counter_id;
                moved_deltas := moved_deltas || piece.amount;
                piece_ids := piece_ids || piece.counter_id;
                piece_amounts := piece_amounts || piece.amount;
                piece_items := piece_items || w.item;
                piece_entries := piece_entries || w.entry;
            END LOOP;
        END IF;
        IF rest > 0 THEN
            short := true;
            SELECT w.held + greatest(0, sum(c.granted) + sum(c.withheld) - sum(c.taken)) INTO short_left
            FROM ledger_counter f JOIN ledger_counter c USING (owner, kind, subject, scope, period)
            WHERE f.id = w.family;
            EXIT;
        END IF;
    END LOOP;

    IF short THEN
        -- All these rows are ours, so they can be set back in any order and nothing can have slipped in.
        FOR n IN REVERSE cardinality(moved_ids) .. 1 LOOP
            UPDATE ledger_counter c SET taken = c.taken - moved_deltas[n],
                   overdrawn = greatest(c.overdrawn, coalesce(c.taken - moved_deltas[n] - c.granted, 0))
            WHERE c.id = moved_ids[n];
        END LOOP;
        RETURN QUERY SELECT false, w.item, w.kind, short_left;
        RETURN;
    END IF;

    IF cardinality(own_ids) > 0 THEN
        UPDATE ledger_hold h SET state = CASE WHEN p_settle AND used.amount > 0 THEN 'settled' ELSE 'voided' END,
               settled_amount = CASE WHEN p_settle AND used.amount > 0 THEN least(h.amount, used.amount) END,
               ended_at = p_now
        FROM ledger_hold o LEFT JOIN LATERAL (
            SELECT sum(p.a) AS amount FROM unnest(piece_ids, piece_amounts, piece_items) AS p(c, a, i)
            WHERE p.c = o.counter_id AND p.i = o.item) used ON true
        WHERE h.id = o.id AND o.id = ANY (own_ids);
    END IF;

    IF p_settle THEN
        INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
        SELECT p.c, 'settle', sum(p.a), p.e, '', p_now
        FROM unnest(piece_ids, piece_amounts, piece_entries) AS p(c, a, e) GROUP BY p.c, p.e;
    ELSE
        INSERT INTO ledger_hold (counter_id, amount, state, pinned, reference, item, created_at, expires_at)
        SELECT p.c, sum(p.a), 'live', false, p_reference, p.i, p_now, p_expires
        FROM unnest(piece_ids, piece_amounts, piece_items) AS p(c, a, i) GROUP BY p.c, p.i;
    END IF;
    RETURN QUERY SELECT true, NULL::text, NULL::text, NULL::bigint;
END
$$;

-- Takes one want from one open or new counter, as most requests want it. True: done. False: nothing was changed,
-- because it does not fit (nothing open yet, a shortage, another size than held, several own holds).
--
-- w: a want as ledger_take describes it. With `fresh` nobody had opened the counter when the caller looked.
CREATE OR REPLACE FUNCTION ledger_take_one(p_retailer bigint, w jsonb, p_reference text, p_items text[],
                                           p_settle boolean, p_expires timestamptz, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    w_amount bigint := w ->> 'amount';
    w_kind text := w ->> 'kind';
    w_owner bigint := w ->> 'owner';
    w_subject bigint := w ->> 'subject';
    w_scope text := w ->> 'scope';
    w_period text := w ->> 'period';
    w_shards integer := w ->> 'shards';
    w_granted bigint := w ->> 'granted';
    w_taken bigint := w ->> 'opening';
    own_count integer := 0;
    own_id bigint;
    own_amount bigint;
    own_item text;
    counter bigint;
    pick integer;
BEGIN
    IF w_amount <= 0 OR (w ->> 'fixed')::boolean THEN
        RETURN false;
    END IF;
    IF p_reference <> '' THEN
        IF NOT pg_try_advisory_xact_lock(hashtextextended(p_reference, 7)) THEN
            PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
        END IF;
        SELECT count(*), min(h.id), min(h.amount), min(h.counter_id), min(h.item)
        INTO own_count, own_id, own_amount, counter, own_item
        FROM ledger_hold h
        WHERE h.reference = p_reference AND h.state = 'live' AND h.item = ANY (p_items)
          AND (h.pinned OR h.expires_at > p_now);
    END IF;

    IF own_count > 0 THEN
        -- The same again: the claim is counted already, wherever it stands.
        IF own_count > 1 OR own_amount <> w_amount OR own_item <> w ->> 'item' THEN
            RETURN false;
        END IF;
        PERFORM 1 FROM ledger_counter c WHERE c.id = counter AND c.owner = w_owner AND c.kind = w_kind
            AND c.subject = w_subject AND c.scope = w_scope AND c.period = w_period;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        UPDATE ledger_hold h SET state = CASE WHEN p_settle THEN 'settled' ELSE 'voided' END,
               settled_amount = CASE WHEN p_settle THEN h.amount END, ended_at = p_now
        WHERE h.id = own_id AND h.state = 'live';
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    ELSIF w_granted IS NULL AND NOT (w ->> 'counted')::boolean THEN
        SELECT c.id INTO counter FROM ledger_counter c WHERE c.owner = w_owner AND c.kind = w_kind
           AND c.subject = w_subject AND c.scope = w_scope AND c.period = w_period AND c.shard = 0;
        IF NOT FOUND OR NOT pg_try_advisory_xact_lock_shared(hashtextextended('ledger_limit', counter)) THEN
            RETURN false;
        END IF;
        PERFORM 1 FROM ledger_counter c WHERE c.id = counter AND NOT c.counted;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    ELSIF w_shards > 1 THEN
        SELECT floor(random() * c.shards) INTO pick FROM ledger_counter c WHERE c.owner = w_owner
           AND c.kind = w_kind AND c.subject = w_subject AND c.scope = w_scope AND c.period = w_period
           AND c.shard = 0;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        BEGIN
            UPDATE ledger_counter c SET taken = c.taken + w_amount
            WHERE c.owner = w_owner AND c.kind = w_kind AND c.subject = w_subject AND c.scope = w_scope
              AND c.period = w_period AND c.shard = pick AND c.counted
              AND (c.granted IS NULL OR c.taken + w_amount <= c.granted)
            RETURNING c.id INTO counter;
            IF NOT FOUND THEN
                RAISE SQLSTATE 'OK001';  -- sets free the row, as in ledger_spread
            END IF;
        EXCEPTION WHEN SQLSTATE 'OK001' THEN
            RETURN false;
        END;
    ELSE
        IF NOT coalesce((w ->> 'fresh')::boolean, false) THEN
            UPDATE ledger_counter c SET taken = c.taken + w_amount
            WHERE c.owner = w_owner AND c.kind = w_kind AND c.subject = w_subject AND c.scope = w_scope
              AND c.period = w_period AND c.shard = 0 AND c.shards = 1 AND c.counted
              AND (c.granted IS NULL OR c.taken + w_amount <= c.granted)
            RETURNING c.id INTO counter;
        END IF;
        IF counter IS NULL THEN
            -- Used for the first time: opened and taken from in one row. If it is there after all, it is short.
            IF w_granted IS NULL OR w_taken + w_amount > w_granted THEN
                RETURN false;
            END IF;
            counter := nextval('ledger_counter_id_seq');
            INSERT INTO ledger_counter (id, family, retailer_id, kind, owner, subject, scope, period, shard, shards,
                                        granted, withheld, withdrawn, taken, overdrawn, counted, tallied, tallied_xact)
            VALUES (counter, counter, p_retailer, w_kind, w_owner, w_subject, w_scope, w_period, 0, 1, w_granted, 0, 0,
                    w_taken + w_amount, 0, true, 0, 0)
            ON CONFLICT (owner, kind, subject, scope, period, shard) DO NOTHING;
            IF NOT FOUND THEN
                RETURN false;
            END IF;
            INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
            VALUES (counter, 'grant', w_granted, 'open', '', p_now);
            IF w_taken > 0 THEN
                INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
                VALUES (counter, 'open', w_taken, 'open', '', p_now);
            END IF;
        END IF;
    END IF;
    IF p_settle THEN
        INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
        VALUES (counter, 'settle', w_amount, w ->> 'entry', '', p_now);
    ELSE
        INSERT INTO ledger_hold (counter_id, amount, state, pinned, reference, item, created_at, expires_at)
        VALUES (counter, w_amount, 'live', false, p_reference, w ->> 'item', p_now, p_expires);
    END IF;
    RETURN true;
END
$$;

-- Holds or settles everything in p_wants, or nothing.
--
-- p_wants: array of {item, kind, owner, subject, scope, period, amount, granted, fixed, counted, shards, opening, entry}
--   granted: limit to open the counter with (null: unlimited); fixed: adjust the limit of an open counter to it;
--   counted: count although unlimited; opening: taken already before the counter was opened; entry: journal reference.
-- p_reference: owner of the holds; its live holds on the items named are replaced (hold) or used up (settle).
-- p_items: all items of the request, also those that want nothing now but held something before.
-- Returns ok; when short, the item and kind that ran out and what is left of it.
--
-- Most requests want one thing of one counter: ledger_take_one has a few short statements for them. Whatever does not
-- fit there goes to ledger_take_all.
CREATE OR REPLACE FUNCTION ledger_take(p_retailer bigint, p_wants jsonb, p_reference text, p_items text[],
                                       p_settle boolean, p_expires timestamptz, p_now timestamptz)
RETURNS TABLE (ok boolean, item text, kind text, available bigint) LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_array_length(p_wants) = 1
       AND ledger_take_one(p_retailer, p_wants -> 0, p_reference, p_items, p_settle, p_expires, p_now) THEN
        ok := true;
        RETURN NEXT;
        RETURN;
    END IF;
    IF p_reference <> '' THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
    END IF;
    RETURN QUERY SELECT * FROM ledger_take_all(p_retailer, p_wants, p_reference, p_items, p_settle, p_expires, p_now);
END
$$;

-- Ends live holds of a reference: void (give everything back) or settle (use them; the rest of p_amount goes free).
-- p_item null: all items. Returns one row per hold ended, and the holds that were found already expired by the clock;
-- or one row `short` with what is held, when p_amount is more than that: then nothing has changed.
CREATE OR REPLACE FUNCTION ledger_end(p_reference text, p_item text, p_settle boolean, p_amount bigint, p_entry text,
                                      p_now timestamptz)
RETURNS TABLE (hold_id bigint, state text, amount bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    mine record;
    rest bigint := p_amount;
    used bigint;
    used_ids bigint[] := '{}';
    used_amounts bigint[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
    IF p_amount IS NOT NULL THEN
        -- Owned before they are added up, in the order of counters like everything that gives back.
        FOR mine IN
            SELECT c.id FROM ledger_hold h
            CROSS JOIN LATERAL (SELECT k.* FROM ledger_counter k WHERE k.id = h.counter_id OFFSET 0) c
            WHERE h.reference = p_reference AND h.state = 'live' AND (p_item IS NULL OR h.item = p_item)
            ORDER BY c.family, c.id
        LOOP
            PERFORM 1 FROM ledger_counter c WHERE c.id = mine.id AND c.counted FOR UPDATE;
        END LOOP;
        SELECT coalesce(sum(h.amount), 0) AS amount, count(*) AS n INTO mine FROM ledger_hold h
        WHERE h.reference = p_reference AND h.state = 'live' AND (p_item IS NULL OR h.item = p_item)
          AND (h.pinned OR h.expires_at > p_now);
        IF mine.n > 0 AND mine.amount < p_amount THEN
            RETURN QUERY SELECT NULL::bigint, 'short', mine.amount::bigint;
            RETURN;
        END IF;
    END IF;
    FOR mine IN
        SELECT h.id, h.counter_id, h.amount, h.expires_at <= p_now AND NOT h.pinned AS due, c.counted
        FROM ledger_hold h
        CROSS JOIN LATERAL (SELECT k.* FROM ledger_counter k WHERE k.id = h.counter_id OFFSET 0) c
        WHERE h.reference = p_reference AND h.state = 'live' AND (p_item IS NULL OR h.item = p_item)
        ORDER BY c.family, c.id, h.id
    LOOP
        used := CASE WHEN mine.due OR NOT p_settle THEN 0 ELSE least(mine.amount, coalesce(rest, mine.amount)) END;
        -- Whoever gives back owns the counter before the hold, so that nobody who is short finds the hold locked by
        -- somebody who does not want it. Using all of it leaves the counter alone.
        IF used < mine.amount AND mine.counted THEN
            PERFORM 1 FROM ledger_counter c WHERE c.id = mine.counter_id FOR UPDATE;
        END IF;
        UPDATE ledger_hold h
        SET state = CASE WHEN mine.due THEN 'expired' WHEN used > 0 THEN 'settled' ELSE 'voided' END,
            settled_amount = CASE WHEN used > 0 THEN used END, ended_at = p_now
        WHERE h.id = mine.id AND h.state = 'live' RETURNING h.state INTO state;
        CONTINUE WHEN NOT FOUND;
        rest := rest - used;
        IF used > 0 THEN
            used_ids := used_ids || mine.counter_id;
            used_amounts := used_amounts || used;
        END IF;
        IF used < mine.amount THEN
            PERFORM ledger_give(mine.counter_id, mine.amount - used);
        END IF;
        hold_id := mine.id;
        amount := CASE WHEN used > 0 THEN used ELSE mine.amount END;
        RETURN NEXT;
    END LOOP;
    IF cardinality(used_ids) > 0 THEN
        INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
        SELECT p.c, 'settle', sum(p.a), p_entry, '', p_now FROM unnest(used_ids, used_amounts) AS p(c, a) GROUP BY p.c;
    END IF;
END
$$;

-- Gives back what the entries of these references used; a second time does nothing. Returns what was given back.
CREATE OR REPLACE FUNCTION ledger_reverse(p_references text[], p_reason text, p_now timestamptz)
RETURNS TABLE (counter_id bigint, amount bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ids bigint[];
    amounts bigint[];
    used record;
BEGIN
    -- All lines before any counter: whoever meets the same line waits here, where nobody owns a counter yet.
    WITH given AS (
        INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
        SELECT e.counter_id, 'reverse', -e.delta, e.reference, p_reason, p_now FROM ledger_entry e
        WHERE e.reference = ANY (p_references) AND e.kind = 'settle' ORDER BY e.reference, e.counter_id
        ON CONFLICT (reference, counter_id, kind) DO NOTHING
        RETURNING counter_id, -delta AS amount
    )
    SELECT array_agg(g.counter_id), array_agg(g.amount) INTO ids, amounts FROM given g;
    FOR used IN
        SELECT c.id, sum(p.a)::bigint AS amount FROM unnest(ids, amounts) AS p(c, a)
        CROSS JOIN LATERAL (SELECT k.* FROM ledger_counter k WHERE k.id = p.c OFFSET 0) c
        GROUP BY c.family, c.id ORDER BY c.family, c.id
    LOOP
        PERFORM ledger_give(used.id, used.amount);
        counter_id := used.id;
        amount := used.amount;
        RETURN NEXT;
    END LOOP;
END
$$;
