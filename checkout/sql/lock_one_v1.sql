-- Records a validation and holds one use of one voucher under its session: what most validations with a session come to.
-- True: done. False: nothing was changed, because it does not fit (a shortage, several own holds, a counter that is not
-- open yet and unlimited): checkout_lock finds out.
--
-- Arguments of their own types: reading as many fields out of JSON took a fifth of a lock.
CREATE FUNCTION checkout_lock_one(p_retailer bigint, p_now timestamptz, p_reference text, p_item text,
    p_expires timestamptz, p_voucher bigint, p_limit bigint, p_shards integer, p_fresh boolean, p_lock text, p_key text,
    p_code text, p_campaign bigint, p_customer bigint, p_tracking text, p_discount bigint, p_ttl numeric, p_unit text,
    p_actor text, p_validation text, p_amount bigint, p_asked jsonb, p_trace jsonb) RETURNS boolean
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF NOT ledger_take_one(p_retailer, 'voucher.uses', p_voucher, 0, '', '', 1, p_limit, p_shards, false, p_fresh, 0,
                           p_item, '', p_reference, ARRAY[p_item], false, p_expires, p_now) THEN
        RETURN false;
    END IF;
    INSERT INTO checkout_locksession AS s (public_id, retailer_id, key, object, object_id, object_label, campaign_id,
        customer_id, tracking_id, discount_amount, ttl, ttl_unit, state, created_at, expires_at, ended_by, actor)
    VALUES (p_lock, p_retailer, p_key, 'voucher', p_voucher, p_code, p_campaign, p_customer, p_tracking, p_discount,
        p_ttl, p_unit, 'live', p_now, p_expires, '', p_actor)
    -- As in checkout_lock.
    ON CONFLICT (object_id, object, key) WHERE state = 'live' DO UPDATE SET
        customer_id = excluded.customer_id, tracking_id = excluded.tracking_id, ttl = excluded.ttl,
        discount_amount = excluded.discount_amount, credits = excluded.credits, ttl_unit = excluded.ttl_unit,
        created_at = CASE WHEN s.expires_at <= excluded.created_at THEN excluded.created_at ELSE s.created_at END,
        expires_at = excluded.expires_at, actor = excluded.actor;
    INSERT INTO checkout_validation (public_id, retailer_id, valid, tracking_id, customer_id, session_key, amount,
        codes, campaign_ids, trace, channel_id, created_at)
    VALUES (p_validation, p_retailer, true, p_tracking, p_customer, p_key, p_amount, p_asked,
        CASE WHEN p_campaign IS NULL THEN '{}' ELSE ARRAY[p_campaign] END, p_trace, p_actor, p_now);
    RETURN true;
END
$$;
