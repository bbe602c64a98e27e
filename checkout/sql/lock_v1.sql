-- Records a validation and, with wants, holds what applies under its session: all of it or nothing.
--
-- p: {retailer, wants (null: nothing to hold), reference, items, expires, now, locks: rows of checkout_locksession,
-- record: a row of checkout_validation}. Answers as ledger_take does; when short, nothing was recorded either.
CREATE FUNCTION checkout_lock(p jsonb) RETURNS TABLE (ok boolean, item text, kind text, available bigint)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    this_retailer bigint := p ->> 'retailer';
    this_now timestamptz := p ->> 'now';
BEGIN
    IF p -> 'wants' <> 'null' THEN
        SELECT t.ok, t.item, t.kind, t.available INTO ok, item, kind, available
        FROM ledger_take(this_retailer, p -> 'wants', p ->> 'reference',
                         ARRAY (SELECT jsonb_array_elements_text(p -> 'items')), false,
                         (p ->> 'expires')::timestamptz, this_now) AS t;
        IF NOT ok THEN
            RETURN NEXT;
            RETURN;
        END IF;
        INSERT INTO checkout_locksession (public_id, retailer_id, key, object, object_id, object_label, campaign_id,
            customer_id, tracking_id, discount_amount, credits, ttl, ttl_unit, state, created_at, expires_at, ended_by,
            actor)
        SELECT r.public_id, this_retailer, r.key, r.object, r.object_id, r.object_label, r.campaign_id, r.customer_id,
               r.tracking_id, r.discount_amount, r.credits, r.ttl, r.ttl_unit, 'live', this_now,
               (p ->> 'expires')::timestamptz, '', r.actor
        FROM jsonb_to_recordset(p -> 'locks') AS r(public_id text, key text, object text, object_id bigint,
             object_label text, campaign_id bigint, customer_id bigint, tracking_id text, discount_amount bigint,
             credits bigint, ttl numeric, ttl_unit text, actor text)
        -- The same key again renews its lock; one that had expired by the clock begins anew.
        ON CONFLICT (object_id, object, key) WHERE state = 'live' DO UPDATE SET
            customer_id = excluded.customer_id, tracking_id = excluded.tracking_id, ttl = excluded.ttl,
            discount_amount = excluded.discount_amount, credits = excluded.credits, ttl_unit = excluded.ttl_unit,
            created_at = CASE WHEN checkout_locksession.expires_at <= excluded.created_at THEN excluded.created_at
                              ELSE checkout_locksession.created_at END,
            expires_at = excluded.expires_at, actor = excluded.actor;
    ELSE
        ok := true;
    END IF;
    INSERT INTO checkout_validation (public_id, retailer_id, valid, tracking_id, customer_id, session_key, amount,
        codes, campaign_ids, trace, channel_id, created_at)
    SELECT r.public_id, this_retailer, r.valid, r.tracking_id, r.customer_id, r.session_key, r.amount, r.codes,
           r.campaign_ids, r.trace, r.channel_id, this_now
    FROM jsonb_to_record(p -> 'record') AS r(public_id text, valid boolean, tracking_id text, customer_id bigint,
         session_key text, amount bigint, codes jsonb, campaign_ids bigint[], trace jsonb, channel_id text);
    RETURN NEXT;
END
$$;
