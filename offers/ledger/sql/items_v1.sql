-- Several items of one reference, in one call: so that what gives back to several counters meets them in their order.

-- Uses what is held for some items and gives back what is held for others; items nobody holds anything for are fine.
-- Returns how many holds it ended. -1, and nothing happens, when a part of what is to be used has expired.
CREATE FUNCTION ledger_finish(p_reference text, p_used text[], p_given text[], p_entry text, p_now timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    mine record;
    ended integer := 0;
    used_ids bigint[] := '{}';
    used_amounts bigint[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
    FOR mine IN
        SELECT h.id, h.counter_id, h.amount, h.item = ANY (p_used) AS used, c.counted,
               h.state = 'expired' OR h.expires_at <= p_now AND NOT h.pinned AS due
        FROM ledger_hold h
        CROSS JOIN LATERAL (SELECT k.* FROM ledger_counter k WHERE k.id = h.counter_id OFFSET 0) c
        WHERE h.reference = p_reference
          AND (h.state = 'live' AND h.item = ANY (p_used || p_given) OR h.state = 'expired' AND h.item = ANY (p_used))
        ORDER BY c.family, c.id, h.id
    LOOP
        IF mine.used AND mine.due THEN
            RAISE SQLSTATE 'OK001';
        END IF;
        -- Whoever gives back owns the counter before the hold. Using leaves the counter alone.
        IF NOT mine.used AND mine.counted THEN
            PERFORM 1 FROM ledger_counter c WHERE c.id = mine.counter_id FOR UPDATE;
        END IF;
        UPDATE ledger_hold h
        SET state = CASE WHEN mine.used THEN 'settled' WHEN mine.due THEN 'expired' ELSE 'voided' END,
            settled_amount = CASE WHEN mine.used THEN h.amount END, ended_at = p_now
        WHERE h.id = mine.id AND h.state = 'live';
        IF NOT FOUND THEN
            IF mine.used THEN
                RAISE SQLSTATE 'OK001';  -- expired this moment, by somebody who was short
            END IF;
            CONTINUE;
        END IF;
        IF mine.used THEN
            used_ids := used_ids || mine.counter_id;
            used_amounts := used_amounts || mine.amount;
        ELSE
            PERFORM ledger_give(mine.counter_id, mine.amount);
        END IF;
        ended := ended + 1;
    END LOOP;
    IF cardinality(used_ids) > 0 THEN
        INSERT INTO ledger_entry (counter_id, kind, delta, reference, reason, created_at)
        SELECT p.c, 'settle', sum(p.a), p_entry, '', p_now FROM unnest(used_ids, used_amounts) AS p(c, a) GROUP BY p.c;
    END IF;
    RETURN ended;
EXCEPTION WHEN SQLSTATE 'OK001' THEN
    RETURN -1;
END
$$;

-- Lets what is held for some items expire at another moment; returns how many holds. -1, and nothing happens, when one of
-- them has expired.
CREATE FUNCTION ledger_keep_items(p_reference text, p_items text[], p_expires timestamptz, p_now timestamptz)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    kept integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_reference, 7));
    PERFORM 1 FROM ledger_hold h
    WHERE h.reference = p_reference AND h.state = 'live' AND h.item = ANY (p_items) ORDER BY h.id FOR UPDATE;
    PERFORM 1 FROM ledger_hold h
    WHERE h.reference = p_reference AND h.item = ANY (p_items)
      AND (h.state = 'expired' OR h.state = 'live' AND NOT h.pinned AND h.expires_at <= p_now);
    IF FOUND THEN
        RETURN -1;
    END IF;
    UPDATE ledger_hold h SET expires_at = p_expires
    WHERE h.reference = p_reference AND h.state = 'live' AND h.item = ANY (p_items);
    GET DIAGNOSTICS kept = ROW_COUNT;
    RETURN kept;
END
$$;
