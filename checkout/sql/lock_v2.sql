-- Records a validation and, with wants, holds what applies under its session: as lock_v1.sql, row by row.
--
-- p: {retailer, wants (null: nothing to hold), reference, items, expires, now, locks: rows of checkout_locksession,
-- record: a row of checkout_validation}. Answers as ledger_take does; when short, nothing was recorded either.
CREATE OR REPLACE FUNCTION checkout_lock(p jsonb) RETURNS TABLE (ok boolean, item text, kind text, available bigint)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    this_retailer bigint := p ->> 'retailer';
    this_now timestamptz := p ->> 'now';
    this_wants jsonb := p -> 'wants';
    this_reference text;
    this_expires timestamptz;
    items text[];
    l jsonb;
    r jsonb := p -> 'record';
BEGIN
    ok := true;
    IF this_wants <> 'null' THEN
        this_reference := p ->> 'reference';
        this_expires := p ->> 'expires';
        -- Items and campaigns are letters and digits: as an array literal they need no statement of their own.
        items := translate(p ->> 'items', '[]" ', '{}');
        IF jsonb_array_length(this_wants) <> 1
           OR NOT ledger_take_one(this_retailer, this_wants -> 0, this_reference, items, false, this_expires, this_now)
        THEN
            SELECT t.ok, t.item, t.kind, t.available INTO ok, item, kind, available
            FROM ledger_take(this_retailer, this_wants, this_reference, items, false, this_expires, this_now) AS t;
            IF NOT ok THEN
                RETURN NEXT;
                RETURN;
            END IF;
        END IF;
        FOR n IN 0 .. jsonb_array_length(p -> 'locks') - 1 LOOP
            l := p -> 'locks' -> n;
            INSERT INTO checkout_locksession AS s (public_id, retailer_id, key, object, object_id, object_label,
                campaign_id, customer_id, tracking_id, discount_amount, credits, ttl, ttl_unit, state, created_at,
                expires_at, ended_by, actor)
            VALUES (l ->> 'public_id', this_retailer, l ->> 'key', l ->> 'object', (l ->> 'object_id')::bigint,
                l ->> 'object_label', (l ->> 'campaign_id')::bigint, (l ->> 'customer_id')::bigint, l ->> 'tracking_id',
                (l ->> 'discount_amount')::bigint, (l ->> 'credits')::bigint, (l ->> 'ttl')::numeric, l ->> 'ttl_unit',
                'live', this_now, this_expires, '', l ->> 'actor')
            -- The same key again renews its lock; one that had expired by the clock begins anew.
            ON CONFLICT (object_id, object, key) WHERE state = 'live' DO UPDATE SET
                customer_id = excluded.customer_id, tracking_id = excluded.tracking_id, ttl = excluded.ttl,
                discount_amount = excluded.discount_amount, credits = excluded.credits, ttl_unit = excluded.ttl_unit,
                created_at = CASE WHEN s.expires_at <= excluded.created_at THEN excluded.created_at
                                  ELSE s.created_at END,
                expires_at = excluded.expires_at, actor = excluded.actor;
        END LOOP;
    END IF;
    INSERT INTO checkout_validation (public_id, retailer_id, valid, tracking_id, customer_id, session_key, amount,
        codes, campaign_ids, trace, channel_id, created_at)
    VALUES (r ->> 'public_id', this_retailer, (r ->> 'valid')::boolean, r ->> 'tracking_id',
        (r ->> 'customer_id')::bigint, r ->> 'session_key', (r ->> 'amount')::bigint, r -> 'codes',
        translate(r ->> 'campaign_ids', '[] ', '{}')::bigint[], r -> 'trace', r ->> 'channel_id', this_now);
    RETURN NEXT;
END
$$;
