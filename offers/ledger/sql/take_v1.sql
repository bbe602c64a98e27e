-- The functions that take from counters and give back. One call is all or nothing; a caller makes one per transaction.
--
-- Order of locks: advisory lock of the reference; counters to be opened, by name; own holds by id; then counters by
-- (family, shard), each with what hangs on it. The family is the id of a counter's first shard, so two requests meet two
-- counters in one order whatever shard each picked. Other people's holds are expired only by whoever owns their
-- counter, and skipped when locked: nobody waits for a stranger's hold while owning a counter. docs/ledger.md says why.
--
-- An unlimited counter that nobody counts is never written. Claims on it share an advisory lock named after it, and
-- whoever gives it a limit takes that lock alone, counts, and from then on the row is the truth (`counted`).

-- Settled amount of a counter: what was tallied, and the journal lines of transactions since.
CREATE FUNCTION ledger_settled(p_counter bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT c.tallied + coalesce((
        SELECT sum(e.delta) FROM ledger_entry e
        WHERE e.counter_id = c.id AND e.xact >= c.tallied_xact AND e.kind IN ('open', 'settle', 'reverse')), 0)::bigint
    FROM ledger_counter c WHERE c.id = p_counter
$$;

-- Moves the horizon of a counter's tally, unless somebody is busy with the row: a saving, never a duty.
CREATE FUNCTION ledger_tally(p_counter bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- Every transaction below has ended; what it wrote is visible to the statements after this one.
    horizon bigint := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    since bigint;
BEGIN
    SELECT tallied_xact INTO since FROM ledger_counter WHERE id = p_counter FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR since >= horizon THEN
        RETURN;
    END IF;
    UPDATE ledger_counter SET tallied_xact = horizon, tallied = tallied + coalesce((
        SELECT sum(e.delta) FROM ledger_entry e
        WHERE e.counter_id = p_counter AND e.xact >= since AND e.xact < horizon
          AND e.kind IN ('open', 'settle', 'reverse')), 0)
    WHERE id = p_counter;
END
$$;

-- Opens a counter over its shards; somebody else doing so at the same moment is fine: the first one's shards stand.
CREATE FUNCTION ledger_open(p_retailer bigint, p_kind text, p_owner bigint, p_subject bigint, p_scope text,
                            p_period text, p_granted bigint, p_counted boolean, p_shards integer, p_taken bigint,
                            p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parts integer := CASE WHEN p_granted IS NULL THEN 1 ELSE greatest(1, p_shards) END;
    first bigint := nextval('ledger_counter_id_seq');
    -- Spread over several rows and taken beyond the limit: no single row may look free.
    beyond boolean := parts > 1 AND p_taken > p_granted;
    row_granted bigint;
    row_taken bigint;
    counter bigint := first;
BEGIN
    FOR n IN 0 .. parts - 1 LOOP
        row_granted := CASE WHEN beyond THEN 0 ELSE p_granted / parts + (n < p_granted % parts)::int END;
        row_taken := p_taken / parts + (n < p_taken % parts)::int;
        IF n > 0 THEN
            counter := nextval('ledger_counter_id_seq');
        END IF;
        INSERT INTO ledger_counter (id, family, retailer_id, kind, owner, subject, scope, period, shard, shards, granted,
                                    withheld, withdrawn, taken, overdrawn, counted, tallied, tallied_xact)
        VALUES (counter, first, p_retailer, p_kind, p_owner, p_subject, p_scope, p_period, n, parts, row_granted,
                CASE WHEN beyond AND n = 0 THEN p_granted ELSE 0 END, 0, row_taken,
                greatest(0, row_taken - row_granted), p_counted OR p_granted IS NOT NULL, 0, 0)
        ON CONFLICT (owner, kind, subject, scope, period, shard) DO NOTHING;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
        SELECT counter, line.k, line.d, 'open', '', p_now
        FROM (VALUES ('grant', CASE WHEN n = 0 THEN p_granted END), ('open', row_taken)) AS line(k, d)
        WHERE line.d > 0;
    END LOOP;
END
$$;

-- Deals a limit out over the shards of a counter; the caller owns them all. While more is taken than that, no row may
-- have room, however much comes back to it: the limit is withheld until the whole has room again.
CREATE FUNCTION ledger_deal(p_family bigint, p_limit bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    spare bigint;
    parts integer;
BEGIN
    SELECT p_limit - sum(c.taken), count(*) INTO spare, parts
    FROM ledger_counter f JOIN ledger_counter c USING (owner, kind, subject, scope, period) WHERE f.id = p_family;
    UPDATE ledger_counter c SET granted = s.granted, overdrawn = greatest(0, c.taken - s.granted),
           withheld = CASE WHEN parts > 1 AND spare < 0 AND c.shard = 0 THEN p_limit ELSE 0 END,
           counted = c.counted OR p_limit IS NOT NULL
    FROM (SELECT m.id, CASE WHEN p_limit IS NULL THEN NULL WHEN parts = 1 THEN p_limit WHEN spare < 0 THEN 0
                            ELSE m.taken + spare / parts + (m.shard < spare % parts)::int END AS granted
          FROM ledger_counter f JOIN ledger_counter m USING (owner, kind, subject, scope, period)
          WHERE f.id = p_family) s
    WHERE c.id = s.id;
END
$$;

-- Owns all shards of a counter and says its limit and what is taken. An uncounted one is counted when p_count is set;
-- claims made at this moment wait.
CREATE FUNCTION ledger_own(p_family bigint, p_count boolean) RETURNS TABLE (granted bigint, taken bigint)
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
            SELECT sum(h.amount) FROM ledger_hold h WHERE h.counter_id = c.id AND h.state = 'live'), 0)
        WHERE c.id = p_family AND NOT c.counted;
    END IF;
    RETURN QUERY SELECT (sum(c.granted) + sum(c.withheld))::bigint, sum(c.taken)::bigint
        FROM ledger_counter f JOIN ledger_counter c USING (owner, kind, subject, scope, period) WHERE f.id = p_family;
END
$$;

-- Changes the limit of a counter and writes the difference into the journal.
CREATE FUNCTION ledger_limit(p_family bigint, p_limit bigint, p_reference text, p_reason text, p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    change bigint;
BEGIN
    SELECT coalesce(p_limit, 0) - coalesce(o.granted, 0) INTO change FROM ledger_own(p_family, p_limit IS NOT NULL) o;
    PERFORM ledger_deal(p_family, p_limit);
    IF change <> 0 THEN
        INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
        VALUES (p_family, CASE WHEN change > 0 THEN 'grant' ELSE 'withdraw' END, change, p_reference, p_reason, p_now);
    END IF;
END
$$;

-- Gives back to a counter. An uncounted one needs nothing, unless a limit is being set at this moment.
CREATE FUNCTION ledger_give(p_counter bigint, p_amount bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_counter
    SET taken = taken - p_amount, overdrawn = least(overdrawn, greatest(0, taken - p_amount - granted))
    WHERE id = p_counter AND counted;
    IF FOUND THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger_limit', p_counter));
    UPDATE ledger_counter
    SET taken = taken - p_amount, overdrawn = least(overdrawn, greatest(0, taken - p_amount - granted))
    WHERE id = p_counter AND counted;
END
$$;

-- Expires up to p_limit due holds of one counter and gives them back. The caller owns the counter, or, when it is not
-- counted, shares its advisory lock.
CREATE FUNCTION ledger_expire_due(p_counter bigint, p_now timestamptz, p_limit bigint, OUT ended integer,
                                  OUT freed bigint) LANGUAGE plpgsql AS $$
BEGIN
    WITH due AS (
        SELECT id FROM ledger_hold
        WHERE counter_id = p_counter AND state = 'live' AND NOT pinned AND expires_at <= p_now
        ORDER BY expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    ), done AS (
        UPDATE ledger_hold h SET state = 'expired', ended_at = p_now FROM due WHERE h.id = due.id RETURNING h.amount
    )
    SELECT count(*), coalesce(sum(amount), 0) INTO ended, freed FROM done;
    IF freed > 0 THEN
        PERFORM ledger_give(p_counter, freed);
    END IF;
END
$$;

-- Adds p_delta to a single-row counter if it has room; expires due holds when short. True when it was done.
CREATE FUNCTION ledger_move(p_counter bigint, p_delta bigint, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    missing bigint;
BEGIN
    UPDATE ledger_counter SET taken = taken + p_delta
    WHERE id = p_counter AND (granted IS NULL OR taken + p_delta <= granted);
    IF FOUND THEN
        RETURN true;
    END IF;
    -- One look at room and due holds together: when there is neither, refusing needs no lock.
    PERFORM 1 FROM ledger_counter c WHERE c.id = p_counter AND (c.granted IS NULL OR c.taken + p_delta <= c.granted
        OR EXISTS (SELECT FROM ledger_hold h WHERE h.counter_id = c.id AND h.state = 'live' AND NOT h.pinned
                   AND h.expires_at <= p_now));
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT taken + p_delta - granted INTO missing FROM ledger_counter WHERE id = p_counter FOR UPDATE;
    IF missing > 0 THEN
        PERFORM ledger_expire_due(p_counter, p_now, greatest(missing, 50));
    END IF;
    UPDATE ledger_counter SET taken = taken + p_delta
    WHERE id = p_counter AND (granted IS NULL OR taken + p_delta <= granted);
    RETURN FOUND;
END
$$;

-- Takes from a sharded counter: a random shard; else one with room that nobody is busy with; else all of them are
-- owned in order and it is taken in pieces. Returns the pieces, empty when there is not enough (nothing is taken then).
CREATE FUNCTION ledger_spread(p_family bigint, p_amount bigint, p_now timestamptz)
RETURNS TABLE (counter_id bigint, amount bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    f ledger_counter;
    pick integer;
    ids bigint[];
    free bigint;
    due boolean;
    kept bigint;
    rest bigint := p_amount;
    shard record;
BEGIN
    SELECT * INTO f FROM ledger_counter WHERE id = p_family;
    -- In a block that can be undone: a row that filled up while we waited for it stays locked otherwise, and whoever
    -- then owns all shards in order would own one out of order.
    BEGIN
        pick := floor(random() * f.shards);
        UPDATE ledger_counter c SET taken = c.taken + p_amount
        WHERE c.owner = f.owner AND c.kind = f.kind AND c.subject = f.subject AND c.scope = f.scope
          AND c.period = f.period AND c.shard = pick AND (c.granted IS NULL OR c.taken + p_amount <= c.granted)
        RETURNING c.id INTO counter_id;
        IF NOT FOUND THEN
            UPDATE ledger_counter c SET taken = c.taken + p_amount WHERE c.id = (
                SELECT s.id FROM ledger_counter s
                WHERE s.owner = f.owner AND s.kind = f.kind AND s.subject = f.subject AND s.scope = f.scope
                  AND s.period = f.period AND (s.granted IS NULL OR s.taken + p_amount <= s.granted)
                ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING c.id INTO counter_id;
        END IF;
        IF NOT FOUND THEN
            RAISE SQLSTATE 'OK001';
        END IF;
        amount := p_amount;
        RETURN NEXT;
        RETURN;
    EXCEPTION WHEN SQLSTATE 'OK001' THEN
        NULL;
    END;
    -- One look at all of it: when there is neither room nor a due hold, refusing needs no lock.
    SELECT array_agg(s.id ORDER BY s.id), sum(s.granted) + sum(s.withheld) - sum(s.taken), bool_or(EXISTS (
               SELECT FROM ledger_hold h WHERE h.counter_id = s.id AND h.state = 'live' AND NOT h.pinned
               AND h.expires_at <= p_now))
    INTO ids, free, due FROM ledger_counter s
    WHERE s.owner = f.owner AND s.kind = f.kind AND s.subject = f.subject AND s.scope = f.scope AND s.period = f.period;
    IF free < p_amount AND NOT due THEN
        RETURN;
    END IF;
    PERFORM 1 FROM ledger_counter s WHERE s.id = ANY (ids) ORDER BY s.id FOR UPDATE;
    FOR n IN 1 .. cardinality(ids) LOOP
        SELECT sum(s.granted) + sum(s.withheld) - sum(s.taken), sum(s.withheld) INTO free, kept
        FROM ledger_counter s WHERE s.id = ANY (ids);
        EXIT WHEN free IS NULL OR free >= p_amount;
        PERFORM ledger_expire_due(ids[n], p_now, greatest(p_amount - free, 50));
    END LOOP;
    SELECT sum(s.granted) + sum(s.withheld) - sum(s.taken), sum(s.withheld), sum(s.granted) + sum(s.withheld)
    INTO free, kept, f.granted FROM ledger_counter s WHERE s.id = ANY (ids);
    IF free < p_amount THEN
        RETURN;
    END IF;
    IF kept > 0 THEN
        PERFORM ledger_deal(p_family, f.granted);
    END IF;
    FOR shard IN
        SELECT s.id, coalesce(s.granted - s.taken, p_amount) AS room FROM ledger_counter s
        WHERE s.id = ANY (ids) AND (s.granted IS NULL OR s.granted > s.taken) ORDER BY room DESC, s.id
    LOOP
        counter_id := shard.id;
        amount := least(shard.room, rest);
        UPDATE ledger_counter c SET taken = c.taken + least(shard.room, rest) WHERE c.id = shard.id;
        rest := rest - least(shard.room, rest);
        RETURN NEXT;
        EXIT WHEN rest = 0;
    END LOOP;
END
$$;

-- The whole of ledger_take: any number of wants, opening counters, replacing own holds, limits brought by rules.
-- Its plans are the same for all requests, and making them anew takes seven times as long as running them.
CREATE FUNCTION ledger_take_all(p_retailer bigint, p_wants jsonb, p_reference text, p_items text[], p_settle boolean,
                                p_expires timestamptz, p_now timestamptz)
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
            JOIN ledger_counter c ON c.owner = x.owner AND c.kind = x.kind AND c.subject = x.subject
             AND c.scope = x.scope AND c.period = x.period AND c.shard = 0
        ) m FULL JOIN (
            SELECT c.family, h.item, f.kind, f.shards, f.counted, sum(h.amount)::bigint AS held,
                   array_agg(h.counter_id ORDER BY h.counter_id, h.id) AS ids,
                   array_agg(h.amount ORDER BY h.counter_id, h.id) AS amounts
            FROM ledger_hold h JOIN ledger_counter c ON c.id = h.counter_id JOIN ledger_counter f ON f.id = c.family
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

-- Holds or settles everything in p_wants, or nothing.
--
-- p_wants: array of {item, kind, owner, subject, scope, period, amount, granted, fixed, counted, shards, opening, entry}
--   granted: limit to open the counter with (null: unlimited); fixed: adjust the limit of an open counter to it;
--   counted: count although unlimited; opening: taken already before the counter was opened; entry: journal reference.
-- p_reference: owner of the holds; its live holds on the items named are replaced (hold) or used up (settle).
-- p_items: all items of the request, also those that want nothing now but held something before.
-- Returns ok; when short, the item and kind that ran out and what is left of it.
--
-- Most requests want one thing of one open counter. Those are answered here in three short statements; whatever does
-- not fit (several wants, nothing open yet, a shortage, another size than held) goes to ledger_take_all.
CREATE FUNCTION ledger_take(p_retailer bigint, p_wants jsonb, p_reference text, p_items text[], p_settle boolean,
                            p_expires timestamptz, p_now timestamptz)
RETURNS TABLE (ok boolean, item text, kind text, available bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    w jsonb := p_wants -> 0;
    w_amount bigint := w ->> 'amount';
    w_kind text := w ->> 'kind';
    w_owner bigint := w ->> 'owner';
    w_subject bigint := w ->> 'subject';
    w_scope text := w ->> 'scope';
    w_period text := w ->> 'period';
    w_shards integer := w ->> 'shards';
    w_granted bigint := w ->> 'granted';
    w_opening bigint := w ->> 'opening';
    own_id bigint;
    own_amount bigint;
    more boolean;
    same boolean;
    counter bigint;
    pick integer;
BEGIN
    IF p_reference <> '' THEN
        IF NOT pg_try_advisory_xact_lock(hashtextextended(p_reference, 7)) THEN
            PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
        END IF;
        SELECT h.id, h.amount, h.counter_id,
               h.item = w ->> 'item' AND c.owner = w_owner AND c.kind = w_kind AND c.subject = w_subject
                   AND c.scope = w_scope AND c.period = w_period,
               EXISTS (SELECT FROM ledger_hold o WHERE o.reference = p_reference AND o.state = 'live'
                       AND o.item = ANY (p_items) AND (o.pinned OR o.expires_at > p_now) AND o.id <> h.id)
        INTO own_id, own_amount, counter, same, more
        FROM ledger_hold h JOIN ledger_counter c ON c.id = h.counter_id
        WHERE h.reference = p_reference AND h.state = 'live' AND h.item = ANY (p_items)
          AND (h.pinned OR h.expires_at > p_now);
    END IF;

    <<single>>
    BEGIN
        EXIT single WHEN w_amount <= 0 OR jsonb_array_length(p_wants) <> 1 OR (w ->> 'fixed')::boolean;
        IF own_id IS NOT NULL THEN
            -- The same again: the claim is counted already, wherever it stands.
            EXIT single WHEN more OR NOT same OR own_amount <> w_amount;
            UPDATE ledger_hold h SET state = CASE WHEN p_settle THEN 'settled' ELSE 'voided' END,
                   settled_amount = CASE WHEN p_settle THEN h.amount END, ended_at = p_now
            WHERE h.id = own_id AND h.state = 'live';
            EXIT single WHEN NOT FOUND;
        ELSIF w ->> 'granted' IS NULL AND NOT (w ->> 'counted')::boolean THEN
            SELECT c.id INTO counter FROM ledger_counter c WHERE c.owner = w_owner AND c.kind = w_kind
               AND c.subject = w_subject AND c.scope = w_scope AND c.period = w_period AND c.shard = 0;
            EXIT single WHEN NOT FOUND
                OR NOT pg_try_advisory_xact_lock_shared(hashtextextended('ledger_limit', counter));
            PERFORM 1 FROM ledger_counter c WHERE c.id = counter AND NOT c.counted;
            EXIT single WHEN NOT FOUND;
        ELSIF w_shards > 1 THEN
            SELECT floor(random() * c.shards) INTO pick FROM ledger_counter c WHERE c.owner = w_owner
               AND c.kind = w_kind AND c.subject = w_subject AND c.scope = w_scope AND c.period = w_period
               AND c.shard = 0;
            EXIT single WHEN NOT FOUND;
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
                EXIT single;
            END;
        ELSE
            UPDATE ledger_counter c SET taken = c.taken + w_amount
            WHERE c.owner = w_owner AND c.kind = w_kind AND c.subject = w_subject AND c.scope = w_scope
              AND c.period = w_period AND c.shard = 0 AND c.shards = 1 AND c.counted
              AND (c.granted IS NULL OR c.taken + w_amount <= c.granted)
            RETURNING c.id INTO counter;
            IF NOT FOUND THEN
                -- Used for the first time: opened and taken from in one row. If it is there after all, it is short.
                EXIT single WHEN w_shards > 1 OR w_granted IS NULL OR w_opening + w_amount > w_granted;
                counter := nextval('ledger_counter_id_seq');
                INSERT INTO ledger_counter (id, family, retailer_id, kind, owner, subject, scope, period, shard, shards,
                                            granted, withheld, withdrawn, taken, overdrawn, counted, tallied,
                                            tallied_xact)
                VALUES (counter, counter, p_retailer, w_kind, w_owner, w_subject, w_scope, w_period, 0, 1, w_granted, 0,
                        0, w_opening + w_amount, 0, true, 0, 0)
                ON CONFLICT (owner, kind, subject, scope, period, shard) DO NOTHING;
                EXIT single WHEN NOT FOUND;
                INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
                VALUES (counter, 'grant', w_granted, 'open', '', p_now);
                IF w_opening > 0 THEN
                    INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
                    VALUES (counter, 'open', w_opening, 'open', '', p_now);
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
        ok := true;
        RETURN NEXT;
        RETURN;
    END;
    RETURN QUERY SELECT * FROM ledger_take_all(p_retailer, p_wants, p_reference, p_items, p_settle, p_expires, p_now);
END
$$;

-- Ends live holds of a reference: void (give everything back) or settle (use them; the rest of p_amount goes free).
-- p_item null: all items. Returns one row per hold ended, and the holds that were found already expired by the clock;
-- or one row `short` with what is held, when p_amount is more than that: then nothing has changed.
CREATE FUNCTION ledger_end(p_reference text, p_item text, p_settle boolean, p_amount bigint, p_entry text,
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
            SELECT c.id FROM ledger_hold h JOIN ledger_counter c ON c.id = h.counter_id
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
        FROM ledger_hold h JOIN ledger_counter c ON c.id = h.counter_id
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

-- Keeps live holds of a reference longer: until p_expires, or for good (null: pinned). Returns how many.
CREATE FUNCTION ledger_keep(p_reference text, p_item text, p_expires timestamptz, p_now timestamptz) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    kept integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
    WITH mine AS (
        SELECT id FROM ledger_hold
        WHERE reference = p_reference AND state = 'live' AND (pinned OR expires_at > p_now)
          AND (p_item IS NULL OR item = p_item)
        ORDER BY id FOR UPDATE
    )
    UPDATE ledger_hold h SET pinned = h.pinned OR p_expires IS NULL, expires_at = coalesce(p_expires, h.expires_at)
    FROM mine WHERE h.id = mine.id;
    GET DIAGNOSTICS kept = ROW_COUNT;
    RETURN kept;
END
$$;

-- Gives back what the entries of these references used; a second time does nothing. Returns what was given back.
CREATE FUNCTION ledger_reverse(p_references text[], p_reason text, p_now timestamptz)
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
        JOIN ledger_counter c ON c.id = p.c GROUP BY c.family, c.id ORDER BY c.family, c.id
    LOOP
        PERFORM ledger_give(used.id, used.amount);
        counter_id := used.id;
        amount := used.amount;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Tidies up: expires the due holds of the counters that the p_limit longest due ones stand on. Availability never
-- waits for this.
CREATE FUNCTION ledger_sweep(p_now timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    c record;
    total integer := 0;
BEGIN
    FOR c IN
        SELECT k.id, k.counted FROM ledger_counter k WHERE k.id IN (
            SELECT h.counter_id FROM ledger_hold h
            WHERE h.state = 'live' AND NOT h.pinned AND h.expires_at <= p_now ORDER BY h.expires_at LIMIT p_limit)
        ORDER BY k.family, k.id
    LOOP
        IF c.counted THEN
            PERFORM 1 FROM ledger_counter k WHERE k.id = c.id FOR UPDATE;
        ELSE
            PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger_limit', c.id));
            PERFORM 1 FROM ledger_counter k WHERE k.id = c.id AND k.counted FOR UPDATE;
        END IF;
        total := total + (SELECT e.ended FROM ledger_expire_due(c.id, p_now, p_limit) e);
    END LOOP;
    RETURN total;
END
$$;

-- The journal is append-only; a hold ends once, and is not deleted before.
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_append_only();

CREATE FUNCTION ledger_hold_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'hold % is %', OLD.id, OLD.state USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER ledger_hold_ends_once BEFORE UPDATE ON ledger_hold
    FOR EACH ROW WHEN (OLD.state <> 'live') EXECUTE FUNCTION ledger_hold_ends_once();
CREATE TRIGGER ledger_hold_live_stays BEFORE DELETE ON ledger_hold
    FOR EACH ROW WHEN (OLD.state = 'live') EXECUTE FUNCTION ledger_hold_ends_once();
