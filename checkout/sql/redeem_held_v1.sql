-- Uses up what a session holds on one voucher and stores everything the redemption leaves behind: what most redemptions
-- with a session come to. Null: nothing was changed, because the session no longer holds it so; checkout_redeem finds out
-- what is left. Otherwise the figures of the counters of p_figures_of as ledger_figures tells them, '' for none.
--
-- Arguments of their own types: reading as many fields out of JSON took a third of a redemption. Without p_order there
-- is no order to store, without p_event nobody listens.
CREATE FUNCTION checkout_redeem_held(p_retailer bigint, p_now timestamptz, p_hold bigint, p_reference text, p_item text,
    p_actor_kind text, p_actor text, p_actor_name text, p_key text, p_tracking text, p_customer bigint, p_order text,
    p_order_source text, p_order_status text, p_order_referrer text, p_order_amount bigint, p_order_initial bigint,
    p_order_discount bigint, p_order_items_discount bigint, p_order_total_discount bigint, p_order_total bigint,
    p_order_items jsonb, p_order_redemptions jsonb, p_order_metadata jsonb, p_redemption text, p_voucher bigint,
    p_campaign bigint, p_code text, p_discount bigint, p_metadata jsonb, p_detail jsonb, p_trace jsonb, p_event text,
    p_figures_of bigint[]) RETURNS text
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    new_order bigint;
BEGIN
    IF NOT ledger_use_hold(p_hold, p_reference, p_item, 1, p_redemption, p_now) THEN
        RETURN NULL;
    END IF;
    IF p_order IS NOT NULL THEN
        INSERT INTO checkout_order (public_id, retailer_id, source_id, status, customer_id, referrer_id, amount,
            initial_amount, discount_amount, items_discount_amount, total_discount_amount, total_amount, items,
            redemptions, metadata, revision, created_at)
        VALUES (p_order, p_retailer, p_order_source, p_order_status, p_customer, p_order_referrer, p_order_amount,
            p_order_initial, p_order_discount, p_order_items_discount, p_order_total_discount, p_order_total,
            p_order_items, p_order_redemptions, p_order_metadata, 1, p_now)
        RETURNING id INTO new_order;
    END IF;
    INSERT INTO checkout_redemption (public_id, retailer_id, kind, succeeded, voucher_id, campaign_id, code,
        customer_id, order_id, tracking_id, session_key, discount_amount, metadata, failure_code, failure_message,
        reason, detail, trace, channel_type, channel_id, created_at)
    VALUES (p_redemption, p_retailer, 'redemption', true, p_voucher, p_campaign, p_code, p_customer, new_order,
        p_tracking, p_key, p_discount, p_metadata, '', '', '', p_detail, p_trace, p_actor_kind, p_actor, p_now);
    UPDATE checkout_locksession l SET ended_at = p_now, ended_by = p_actor_name,
        state = CASE WHEN l.expires_at <= p_now THEN 'expired' ELSE 'redeemed' END
    WHERE l.object_id = p_voucher AND l.object = 'voucher' AND l.key = p_key AND l.state = 'live';
    IF p_event IS NOT NULL THEN
        INSERT INTO outbox_event (public_id, retailer_id, type, data, source, created_at)
        VALUES (p_event, p_retailer, 'redemption.succeeded', jsonb_build_object('redemption', p_redemption), '{}',
                p_now);
    END IF;
    IF p_figures_of <> '{}' THEN
        RETURN coalesce(ledger_figures(p_figures_of, '{voucher.uses,voucher.credits}')::text, '');
    END IF;
    RETURN '';
END
$$;
