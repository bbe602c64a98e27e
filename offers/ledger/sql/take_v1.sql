-- The functions that take from counters and give back. One call is all or nothing; a caller makes one per transaction.
-- Order of locks, the same in every function: advisory lock of the reference, holds by id, counters by (family, id).
-- The family is the id of a counter's first shard, so that two requests meet two counters in one order whatever shard
-- each picked. Only counters of single uses are sharded: their holds never change size. Expiring
-- somebody else's holds skips rows that are locked, so it never waits while it owns a counter.

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

-- Opens a counter over its shards; somebody else doing so at the same moment is fine.
CREATE FUNCTION ledger_open(p_retailer bigint, p_kind text, p_owner bigint, p_subject bigint, p_scope text,
                            p_period text, p_granted bigint, p_counted boolean, p_shards integer, p_taken bigint,
                            p_now timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parts integer := CASE WHEN p_granted IS NULL THEN 1 ELSE greatest(1, p_shards) END;
    first bigint := nextval(pg_get_serial_sequence('ledger_counter', 'id'));
    part record;
BEGIN
    FOR part IN
        INSERT INTO ledger_counter (id, family, retailer_id, kind, owner, subject, scope, period, shard, granted,
                                    withdrawn, taken, overdrawn, counted, tallied, tallied_xact)
        SELECT CASE WHEN n = 0 THEN first ELSE nextval(pg_get_serial_sequence('ledger_counter', 'id')) END, first,
               p_retailer, p_kind, p_owner, p_subject, p_scope, p_period, n,
               p_granted / parts + (n < p_granted % parts)::int, 0,
               CASE WHEN n = 0 THEN p_taken ELSE 0 END,
               CASE WHEN n = 0 THEN greatest(0, p_taken - coalesce(p_granted / parts + (n < p_granted % parts)::int, p_taken))
                    ELSE 0 END,
               p_counted OR p_granted IS NOT NULL, 0, 0
        FROM generate_series(0, parts - 1) AS n
        ON CONFLICT (owner, kind, subject, scope, period, shard) DO NOTHING
        RETURNING id, granted, taken
    LOOP
        INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
        SELECT part.id, k, d, 'open', '', p_now
        FROM (VALUES ('grant', part.granted), ('open', part.taken)) AS line(k, d)
        WHERE d > 0;
    END LOOP;
END
$$;

-- Marks due holds of one counter as expired and says how much that frees; the caller gives it back to the counter.
CREATE FUNCTION ledger_expire_due(p_counter bigint, p_now timestamptz, p_but bigint[]) RETURNS bigint
LANGUAGE sql AS $$
    WITH due AS (
        SELECT id FROM ledger_hold
        WHERE counter_id = p_counter AND state = 'live' AND NOT pinned AND expires_at <= p_now AND id <> ALL (p_but)
        ORDER BY id FOR UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE ledger_hold h SET state = 'expired', ended_at = p_now FROM due WHERE h.id = due.id RETURNING h.amount
    )
    SELECT coalesce(sum(amount), 0)::bigint FROM ended
$$;

-- Changes one counter by delta if it allows that; expires due holds once when short. True when it was done.
CREATE FUNCTION ledger_move(p_counter bigint, p_delta bigint, p_now timestamptz, p_own bigint[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    freed bigint;
BEGIN
    UPDATE ledger_counter
    SET taken = taken + p_delta, overdrawn = least(overdrawn, greatest(0, taken + p_delta - granted))
    WHERE id = p_counter AND (p_delta <= 0 OR granted IS NULL OR taken + p_delta <= granted);
    IF FOUND THEN
        RETURN true;
    END IF;
    freed := ledger_expire_due(p_counter, p_now, p_own);
    IF freed = 0 THEN
        RETURN false;
    END IF;
    UPDATE ledger_counter
    SET taken = taken - freed, overdrawn = least(overdrawn, greatest(0, taken - freed - granted))
    WHERE id = p_counter;
    UPDATE ledger_counter SET taken = taken + p_delta WHERE id = p_counter AND taken + p_delta <= granted;
    RETURN FOUND;
END
$$;

-- Takes amount from a sharded counter: a random free shard that nobody is busy with, else all of them in id order,
-- in pieces. Returns the pieces, empty when there is not enough (then nothing is taken).
CREATE FUNCTION ledger_spread(p_owner bigint, p_kind text, p_subject bigint, p_scope text, p_period text,
                              p_amount bigint, p_now timestamptz, p_own bigint[])
RETURNS TABLE (counter_id bigint, amount bigint) LANGUAGE plpgsql AS $$
DECLARE
    shard record;
    rest bigint := p_amount;
    piece bigint;
    freed bigint;
    ids bigint[] := '{}';
    amounts bigint[] := '{}';
BEGIN
    UPDATE ledger_counter c SET taken = c.taken + p_amount
    WHERE c.id = (
        SELECT f.id FROM ledger_counter f
        WHERE f.owner = p_owner AND f.kind = p_kind AND f.subject = p_subject AND f.scope = p_scope
          AND f.period = p_period AND (f.granted IS NULL OR f.taken + p_amount <= f.granted)
        ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING c.id INTO counter_id;
    IF FOUND THEN
        amount := p_amount;
        RETURN NEXT;
        RETURN;
    END IF;
    FOR shard IN
        SELECT f.id FROM ledger_counter f
        WHERE f.owner = p_owner AND f.kind = p_kind AND f.subject = p_subject AND f.scope = p_scope
          AND f.period = p_period
        ORDER BY f.id
    LOOP
        EXIT WHEN rest = 0;
        -- Locked one after the other in id order; the value is read after the lock, not from the loop's snapshot.
        SELECT greatest(0, f.granted - f.taken) INTO piece FROM ledger_counter f WHERE f.id = shard.id FOR UPDATE;
        IF piece < rest THEN
            freed := ledger_expire_due(shard.id, p_now, p_own);
            IF freed > 0 THEN
                UPDATE ledger_counter c
                SET taken = c.taken - freed, overdrawn = least(c.overdrawn, greatest(0, c.taken - freed - c.granted))
                WHERE c.id = shard.id RETURNING greatest(0, c.granted - c.taken) INTO piece;
            END IF;
        END IF;
        piece := least(piece, rest);
        CONTINUE WHEN piece = 0;
        ids := ids || shard.id;
        amounts := amounts || piece;
        rest := rest - piece;
    END LOOP;
    IF rest > 0 THEN
        RETURN;
    END IF;
    FOR n IN 1 .. cardinality(ids) LOOP
        UPDATE ledger_counter c SET taken = c.taken + amounts[n] WHERE c.id = ids[n];
        counter_id := ids[n];
        amount := amounts[n];
        RETURN NEXT;
    END LOOP;
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
CREATE FUNCTION ledger_take(p_retailer bigint, p_wants jsonb, p_reference text, p_items text[], p_settle boolean,
                            p_expires timestamptz, p_now timestamptz)
RETURNS TABLE (ok boolean, item text, kind text, available bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    w record;
    own record;
    piece record;
    own_ids bigint[] := '{}';
    moved_ids bigint[] := '{}';
    moved_deltas bigint[] := '{}';
    piece_ids bigint[] := '{}';
    piece_amounts bigint[] := '{}';
    piece_items text[] := '{}';
    piece_entries text[] := '{}';
    delta bigint;
    got bigint;
    short_item text;
    short_kind text;
    short_left bigint;
    line record;
BEGIN
    IF p_reference <> '' THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
        SELECT coalesce(array_agg(h.id ORDER BY h.id), '{}') INTO own_ids FROM (
            SELECT id FROM ledger_hold
            WHERE reference = p_reference AND state = 'live' AND item = ANY (p_items)
            ORDER BY id FOR UPDATE) h;
    END IF;

    -- One row per counter identity, with the counter's id when it is open. Opened in the order of their names.
    FOR w IN
        SELECT x.* FROM jsonb_to_recordset(p_wants) AS x(kind text, owner bigint, subject bigint, scope text,
               period text, granted bigint, fixed boolean, counted boolean, shards integer, opening bigint)
        ORDER BY x.kind, x.owner, x.subject, x.scope, x.period
    LOOP
        SELECT count(*) AS shards INTO line FROM ledger_counter c
        WHERE c.owner = w.owner AND c.kind = w.kind AND c.subject = w.subject AND c.scope = w.scope
          AND c.period = w.period;
        IF line.shards = 0 THEN
            PERFORM ledger_open(p_retailer, w.kind, w.owner, w.subject, w.scope, w.period, w.granted, w.counted,
                                w.shards, w.opening, p_now);
        END IF;
    END LOOP;

    FOR w IN
        WITH x AS (
            SELECT * FROM jsonb_to_recordset(p_wants) AS x(item text, kind text, owner bigint, subject bigint,
                   scope text, period text, amount bigint, granted bigint, fixed boolean, entry text)
        ), held AS (
            SELECT h.counter_id, h.item, sum(h.amount) AS amount, count(*) AS n FROM ledger_hold h
            WHERE h.id = ANY (own_ids) GROUP BY h.counter_id, h.item
        ), merged AS (
            SELECT x.item, x.kind, x.owner, x.subject, x.scope, x.period, x.amount, x.granted, x.fixed, x.entry,
                   c.id, c.family, c.shards, c.unlimited, c.counted
            FROM x CROSS JOIN LATERAL (
                SELECT min(c.id) AS id, min(c.family) AS family, count(*) AS shards,
                       bool_and(c.granted IS NULL) AS unlimited, bool_or(c.counted) AS counted
                FROM ledger_counter c
                WHERE c.owner = x.owner AND c.kind = x.kind AND c.subject = x.subject AND c.scope = x.scope
                  AND c.period = x.period) c
        )
        SELECT m.*, coalesce(mine.amount, 0) AS held, mine.ids AS held_ids, mine.amounts AS held_amounts
        FROM merged m LEFT JOIN LATERAL (
            SELECT sum(h.amount) AS amount, array_agg(h.counter_id ORDER BY h.counter_id) AS ids,
                   array_agg(h.amount ORDER BY h.counter_id) AS amounts
            FROM held h JOIN ledger_counter c ON c.id = h.counter_id
            WHERE h.item = m.item AND c.owner = m.owner AND c.kind = m.kind AND c.subject = m.subject
              AND c.scope = m.scope AND c.period = m.period) mine ON cardinality(own_ids) > 0
        UNION ALL
        -- What was held before and is not wanted any more.
        SELECT h.item, c.kind, c.owner, c.subject, c.scope, c.period, 0, NULL, false, '', c.id, c.family, 1,
               c.granted IS NULL, c.counted, h.amount, ARRAY[h.counter_id], ARRAY[h.amount]
        FROM held h JOIN ledger_counter c ON c.id = h.counter_id
        WHERE NOT EXISTS (
            SELECT 1 FROM x WHERE x.item = h.item AND c.owner = x.owner AND c.kind = x.kind AND c.subject = x.subject
              AND c.scope = x.scope AND c.period = x.period)
        ORDER BY family, id, item
    LOOP
        IF w.unlimited AND NOT w.counted THEN
            -- Nobody touches the row, but a limit set at this moment must see this claim or be seen by it.
            PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger_limit', w.id));
            PERFORM 1 FROM ledger_counter c WHERE c.id = w.id AND c.granted IS NOT NULL;
            IF NOT FOUND THEN
                IF w.amount > 0 THEN
                    piece_ids := piece_ids || w.id;
                    piece_amounts := piece_amounts || w.amount;
                    piece_items := piece_items || w.item;
                    piece_entries := piece_entries || w.entry;
                END IF;
                CONTINUE;
            END IF;
        END IF;
        IF w.fixed AND w.shards = 1 THEN
            UPDATE ledger_counter c SET granted = w.granted, overdrawn = greatest(0, c.taken - w.granted)
            WHERE c.id = w.id AND c.granted IS DISTINCT FROM w.granted RETURNING c.granted INTO got;
            IF FOUND THEN
                INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
                SELECT w.id, CASE WHEN s.d > 0 THEN 'grant' ELSE 'withdraw' END, s.d,
                       'limit:' || pg_current_xact_id()::text, 'limit of the rule changed', p_now
                FROM (SELECT w.granted - coalesce(sum(e.delta), 0) AS d FROM ledger_entry e
                      WHERE e.counter_id = w.id AND e.kind IN ('grant', 'withdraw')) s WHERE s.d <> 0;
            END IF;
        END IF;
        delta := w.amount - w.held;
        IF delta = 0 THEN
            IF w.held > 0 THEN
                piece_ids := piece_ids || w.held_ids;
                piece_amounts := piece_amounts || w.held_amounts;
                piece_items := piece_items || array_fill(w.item, ARRAY[cardinality(w.held_ids)]);
                piece_entries := piece_entries || array_fill(w.entry, ARRAY[cardinality(w.held_ids)]);
            END IF;
            CONTINUE;
        END IF;
        IF w.shards > 1 THEN
            IF w.held > 0 THEN
                FOR n IN 1 .. cardinality(w.held_ids) LOOP
                    PERFORM ledger_move(w.held_ids[n], -w.held_amounts[n], p_now, own_ids);
                    moved_ids := moved_ids || w.held_ids[n];
                    moved_deltas := moved_deltas || -w.held_amounts[n];
                END LOOP;
            END IF;
            IF w.amount = 0 THEN
                CONTINUE;
            END IF;
            got := 0;
            FOR piece IN SELECT * FROM ledger_spread(w.owner, w.kind, w.subject, w.scope, w.period, w.amount, p_now,
                                                     own_ids) LOOP
                got := got + piece.amount;
                moved_ids := moved_ids || piece.counter_id;
                moved_deltas := moved_deltas || piece.amount;
                piece_ids := piece_ids || piece.counter_id;
                piece_amounts := piece_amounts || piece.amount;
                piece_items := piece_items || w.item;
                piece_entries := piece_entries || w.entry;
            END LOOP;
            IF got = 0 THEN
                short_item := w.item;
                short_kind := w.kind;
                EXIT;
            END IF;
            CONTINUE;
        END IF;
        IF NOT ledger_move(w.id, delta, p_now, own_ids) THEN
            short_item := w.item;
            short_kind := w.kind;
            SELECT greatest(0, c.granted - c.taken + w.held) INTO short_left FROM ledger_counter c WHERE c.id = w.id;
            EXIT;
        END IF;
        moved_ids := moved_ids || w.id;
        moved_deltas := moved_deltas || delta;
        IF w.amount > 0 THEN
            piece_ids := piece_ids || w.id;
            piece_amounts := piece_amounts || w.amount;
            piece_items := piece_items || w.item;
            piece_entries := piece_entries || w.entry;
        END IF;
    END LOOP;

    IF short_item IS NOT NULL THEN
        -- All these rows are ours already; take back in any order. A limit lowered meanwhile cannot have slipped in.
        FOR n IN 1 .. cardinality(moved_ids) LOOP
            UPDATE ledger_counter c SET taken = c.taken - moved_deltas[n],
                   overdrawn = greatest(c.overdrawn, coalesce(c.taken - moved_deltas[n] - c.granted, 0))
            WHERE c.id = moved_ids[n];
        END LOOP;
        RETURN QUERY SELECT false, short_item, short_kind, coalesce(short_left, 0);
        RETURN;
    END IF;

    IF cardinality(own_ids) > 0 THEN
        UPDATE ledger_hold h SET
            state = CASE WHEN h.expires_at <= p_now AND NOT h.pinned THEN 'expired'
                         WHEN p_settle AND coalesce(used.amount, 0) > 0 THEN 'settled' ELSE 'voided' END,
            settled_amount = CASE WHEN p_settle AND coalesce(used.amount, 0) > 0
                                   AND NOT (h.expires_at <= p_now AND NOT h.pinned)
                                  THEN least(h.amount, used.amount) END,
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
        SELECT p.c, p.a, 'live', false, p_reference, p.i, p_now, p_expires
        FROM unnest(piece_ids, piece_amounts, piece_items) AS p(c, a, i);
    END IF;
    RETURN QUERY SELECT true, NULL::text, NULL::text, NULL::bigint;
END
$$;

-- Ends live holds of a reference: void (give everything back) or settle (use them; the rest of p_amount goes free).
-- p_item null: all items. Returns one row per hold ended, and the holds that were found already expired by the clock.
CREATE FUNCTION ledger_end(p_reference text, p_item text, p_settle boolean, p_amount bigint, p_entry text,
                           p_now timestamptz)
RETURNS TABLE (hold_id bigint, state text, amount bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    mine record;
    rest bigint := p_amount;
    used bigint;
    due boolean;
    ids bigint[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
    SELECT coalesce(array_agg(h.id), '{}') INTO ids FROM (
        SELECT id FROM ledger_hold WHERE reference = p_reference AND state = 'live'
           AND (p_item IS NULL OR item = p_item) ORDER BY id FOR UPDATE) h;
    FOR mine IN
        SELECT h.* FROM ledger_hold h JOIN ledger_counter c ON c.id = h.counter_id
        WHERE h.id = ANY (ids) ORDER BY c.family, c.id, h.id
    LOOP
        due := mine.expires_at <= p_now AND NOT mine.pinned;
        used := CASE WHEN due OR NOT p_settle THEN 0 WHEN rest IS NULL THEN mine.amount
                     ELSE least(mine.amount, rest) END;
        rest := rest - used;
        UPDATE ledger_hold SET state = CASE WHEN due THEN 'expired' WHEN used > 0 THEN 'settled' ELSE 'voided' END,
               settled_amount = CASE WHEN used > 0 THEN used END, ended_at = p_now
        WHERE id = mine.id RETURNING state INTO state;
        IF used > 0 THEN
            INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
            VALUES (mine.counter_id, 'settle', used, p_entry, '', p_now);
        END IF;
        IF mine.amount > used THEN
            UPDATE ledger_counter SET taken = taken - (mine.amount - used),
                   overdrawn = least(overdrawn, greatest(0, taken - (mine.amount - used) - granted))
            WHERE id = mine.counter_id AND (counted OR granted IS NOT NULL);
        END IF;
        hold_id := mine.id;
        amount := CASE WHEN used > 0 THEN used ELSE mine.amount END;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Gives back what the entries of these references used; a second time does nothing. Returns what was given back.
CREATE FUNCTION ledger_reverse(p_references text[], p_reason text, p_now timestamptz)
RETURNS TABLE (counter_id bigint, amount bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    used record;
BEGIN
    FOR used IN
        SELECT e.* FROM ledger_entry e JOIN ledger_counter c ON c.id = e.counter_id
        WHERE e.reference = ANY (p_references) AND e.kind = 'settle' ORDER BY c.family, c.id
    LOOP
        INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
        VALUES (used.counter_id, 'reverse', -used.delta, used.reference, p_reason, p_now)
        ON CONFLICT (reference, counter_id, kind) DO NOTHING;
        CONTINUE WHEN NOT FOUND;
        UPDATE ledger_counter SET taken = taken - used.delta,
               overdrawn = least(overdrawn, greatest(0, taken - used.delta - granted))
        WHERE id = used.counter_id AND (counted OR granted IS NOT NULL);
        counter_id := used.counter_id;
        amount := used.delta;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Tidies up: expires up to p_limit due holds whose rows nobody is busy with. Availability never waits for this.
CREATE FUNCTION ledger_sweep(p_now timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
    freed record;
BEGIN
    WITH due AS (
        SELECT id FROM ledger_hold WHERE state = 'live' AND NOT pinned AND expires_at <= p_now
        ORDER BY expires_at LIMIT p_limit FOR UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE ledger_hold h SET state = 'expired', ended_at = p_now FROM due WHERE h.id = due.id RETURNING h.id
    )
    SELECT coalesce(array_agg(id), '{}') INTO ids FROM ended;
    FOR freed IN
        SELECT h.counter_id, sum(h.amount) AS amount FROM ledger_hold h JOIN ledger_counter c ON c.id = h.counter_id
        WHERE h.id = ANY (ids) GROUP BY h.counter_id, c.family ORDER BY c.family, h.counter_id
    LOOP
        UPDATE ledger_counter SET taken = taken - freed.amount,
               overdrawn = least(overdrawn, greatest(0, taken - freed.amount - granted))
        WHERE id = freed.counter_id AND (counted OR granted IS NOT NULL);
    END LOOP;
    RETURN cardinality(ids);
END
$$;

-- The journal is append-only; a hold ends once.
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION ledger_append_only();

CREATE FUNCTION ledger_hold_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'hold % has ended as %', OLD.id, OLD.state USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER ledger_hold_ends_once BEFORE UPDATE ON ledger_hold
    FOR EACH ROW WHEN (OLD.state <> 'live') EXECUTE FUNCTION ledger_hold_ends_once();
