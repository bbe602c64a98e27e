-- Takes from one counter without a look at JSON: what nearly every lock and redemption does.
--
-- ledger_take_one with the want's fields as arguments; the one that reads a want from JSON calls it. Reading a dozen
-- fields out of JSON took a fifth of it.

-- Takes one want from one open or new counter, as most requests want it. True: done. False: nothing was changed,
-- because it does not fit (nothing open yet, a shortage, another size than held, several own holds).
--
-- w_...: a want as ledger_take describes it; `w_taken` is its opening. With `w_fresh` nobody had opened the counter when
-- the caller looked.
CREATE FUNCTION ledger_take_one(p_retailer bigint, w_kind text, w_owner bigint, w_subject bigint, w_scope text,
    w_period text, w_amount bigint, w_granted bigint, w_shards integer, w_counted boolean, w_fresh boolean,
    w_taken bigint, w_item text, w_entry text, p_reference text, p_items text[], p_settle boolean,
    p_expires timestamptz, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    own_count integer := 0;
    own_id bigint;
    own_amount bigint;
    own_item text;
    counter bigint;
    pick integer;
BEGIN
    IF w_amount <= 0 THEN
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
        IF own_count > 1 OR own_amount <> w_amount OR own_item <> w_item THEN
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
    ELSIF w_granted IS NULL AND NOT w_counted THEN
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
        IF NOT w_fresh THEN
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
        VALUES (counter, 'settle', w_amount, w_entry, '', p_now);
    ELSE
        INSERT INTO ledger_hold (counter_id, amount, state, pinned, reference, item, created_at, expires_at)
        VALUES (counter, w_amount, 'live', false, p_reference, w_item, p_now, p_expires);
    END IF;
    RETURN true;
END
$$;

-- The same for a want in JSON. One that adjusts its counter's limit does not fit either.
CREATE OR REPLACE FUNCTION ledger_take_one(p_retailer bigint, w jsonb, p_reference text, p_items text[],
                                           p_settle boolean, p_expires timestamptz, p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN NOT (w ->> 'fixed')::boolean AND ledger_take_one(p_retailer, w ->> 'kind', (w ->> 'owner')::bigint,
        (w ->> 'subject')::bigint, w ->> 'scope', w ->> 'period', (w ->> 'amount')::bigint, (w ->> 'granted')::bigint,
        (w ->> 'shards')::integer, (w ->> 'counted')::boolean, coalesce((w ->> 'fresh')::boolean, false),
        (w ->> 'opening')::bigint, w ->> 'item', w ->> 'entry', p_reference, p_items, p_settle, p_expires, p_now);
END
$$;

-- Uses up one live hold that the caller has seen: all its reference holds for the item. True: done. False: nothing was
-- changed, because it has ended meanwhile, or holds another amount. The counter stays as it is: the claim is counted.
CREATE FUNCTION ledger_use_hold(p_hold bigint, p_reference text, p_item text, p_amount bigint, p_entry text,
                                p_now timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    counter bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(p_reference, 7)) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
    END IF;
    UPDATE ledger_hold h SET state = 'settled', settled_amount = h.amount, ended_at = p_now
    WHERE h.id = p_hold AND h.state = 'live' AND h.reference = p_reference AND h.item = p_item AND h.amount = p_amount
      AND (h.pinned OR h.expires_at > p_now)
    RETURNING h.counter_id INTO counter;
    IF counter IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
    VALUES (counter, 'settle', p_amount, p_entry, '', p_now);
    RETURN true;
END
$$;
