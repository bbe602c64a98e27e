-- The one read behind a validation or redemption: as read_v3.sql, with arguments of their own types instead of one JSON.
--
-- Step by step instead of in one large statement: what a request does not ask for is not looked for, each statement has
-- one table and one index (take_v2.sql says why), and little has to be set up before the first row is read.
--
-- p_folded: p_codes as a channel's code is spelt; looked for where a code as it was sent is nobody's.
-- A voucher's `held` is the hold of the request's own session on it, when there is one and no other.
CREATE FUNCTION checkout_read(p_retailer bigint, p_codes text[], p_folded text[], p_by_id boolean, p_customer text,
    p_customer_by_id boolean, p_reference text, p_periods text[], p_now timestamptz, p_order text,
    p_order_by_id boolean, p_products text[], p_referrer text) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    cust record;
    buyer bigint;
    own_holds bigint[];
    own_counters bigint[];
    own_amounts bigint[];
    own_items text[];
    own bigint;
    held bigint;
    this_item text;
    due bigint;
    version bigint;
    v offers_voucher;
    seen bigint[] := '{}';
    holder text;
    rules json;
    n record;
    ids bigint[];
    counted json[];
    vouchers json[] := '{}';
    orders json;
    owner json;
    sender text;
    products json;
BEGIN
    SELECT number INTO version FROM offers_retailerversion WHERE retailer_id = p_retailer;
    IF p_customer_by_id THEN
        SELECT id, public_id, source_id, name, email, phone, metadata, segments INTO cust FROM offers_customer
        WHERE public_id = p_customer AND retailer_id = p_retailer AND erased_at IS NULL;
    ELSE
        SELECT id, public_id, source_id, name, email, phone, metadata, segments INTO cust FROM offers_customer
        WHERE retailer_id = p_retailer AND source_id = p_customer AND erased_at IS NULL;
    END IF;
    buyer := coalesce(cust.id, 0);
    IF p_reference <> '' THEN
        SELECT array_agg(id), array_agg(counter_id), array_agg(amount), array_agg(item)
        INTO own_holds, own_counters, own_amounts, own_items
        FROM ledger_hold
        WHERE reference = p_reference AND state = 'live' AND (pinned OR expires_at > p_now);
    END IF;
    FOR number IN 1 .. cardinality(p_codes) LOOP
        SELECT * INTO v FROM offers_voucher
        WHERE retailer_id = p_retailer AND code = p_codes[number] AND deleted_at IS NULL;
        IF v.id IS NULL AND p_by_id THEN
            SELECT * INTO v FROM offers_voucher
            WHERE public_id = p_codes[number] AND retailer_id = p_retailer AND deleted_at IS NULL;
        END IF;
        IF v.id IS NULL AND p_folded[number] <> p_codes[number] THEN
            SELECT * INTO v FROM offers_voucher
            WHERE retailer_id = p_retailer AND code = p_folded[number] AND deleted_at IS NULL;
        END IF;
        -- Named twice, by its code and by its id: the caller finds it under both.
        CONTINUE WHEN v.id IS NULL OR v.id = ANY (seen);
        seen := seen || v.id;
        holder := NULL;
        IF v.holder_id IS NOT NULL THEN
            SELECT public_id INTO holder FROM offers_customer WHERE id = v.holder_id;
        END IF;
        SELECT json_agg(rule_id ORDER BY id) INTO rules FROM offers_ruleassignment
        WHERE target = 'voucher' AND target_id = v.id;
        this_item := 'v' || v.id;
        counted := NULL;
        FOR n IN
            SELECT c.id, c.owner, c.kind, c.subject, c.scope, c.period, c.shards, c.granted, c.taken, c.withdrawn
            FROM ledger_counter c
            WHERE c.owner IN (v.id, v.campaign_id) AND c.subject IN (0, buyer) AND c.period = ANY (p_periods)
              AND c.shard = 0
              AND c.kind IN ('voucher.uses', 'voucher.customer_uses', 'voucher.credits', 'voucher.rule',
                             'campaign.budget', 'campaign.rule')
        LOOP
            -- Vouchers and campaigns are numbered by themselves: one number may be both.
            CONTINUE WHEN n.owner IS DISTINCT FROM
                CASE WHEN starts_with(n.kind, 'voucher') THEN v.id ELSE v.campaign_id END;
            IF n.shards > 1 THEN
                SELECT array_agg(c.id), sum(c.granted), sum(c.taken), sum(c.withdrawn)
                INTO ids, n.granted, n.taken, n.withdrawn
                FROM ledger_counter c
                WHERE c.owner = n.owner AND c.kind = n.kind AND c.subject = n.subject AND c.scope = n.scope
                  AND c.period = n.period;
            ELSE
                ids := ARRAY[n.id];
            END IF;
            own := NULL;
            -- What this request's own session holds does not count against it.
            IF own_items IS NOT NULL THEN
                FOR at IN 1 .. cardinality(own_items) LOOP
                    IF own_items[at] = this_item AND own_counters[at] = ANY (ids) THEN
                        own := coalesce(own, 0) + own_amounts[at];
                    END IF;
                END LOOP;
            END IF;
            due := NULL;
            -- What is due counts as free. It is looked for only when it matters: no expiry scan on the happy path.
            IF n.taken - coalesce(own, 0) >= n.granted OR (n.kind <> 'voucher.uses' AND n.taken > 0) THEN
                SELECT sum(d.amount) INTO due FROM ledger_hold d
                WHERE d.counter_id = ANY (ids) AND d.state = 'live' AND NOT d.pinned AND d.expires_at <= p_now;
            END IF;
            counted := counted || json_build_array(n.kind, n.subject, n.scope, n.period, n.granted, n.taken,
                                                   n.withdrawn, own, due);
        END LOOP;
        held := NULL;
        IF own_items IS NOT NULL AND cardinality(array_positions(own_items, this_item)) = 1 THEN
            held := own_holds[array_position(own_items, this_item)];
        END IF;
        vouchers := vouchers || json_build_array(v.id, v.public_id, v.code, v.type, v.campaign_id, v.category_id,
            v.active, v.start_date, v.expiration_date, v.validity_timeframe, v.validity_day_of_week, v.validity_hours,
            v.discount, v.gift_amount, v.gift_effect, v.redemption_limit, v.customer_limit, v.hot, v.metadata,
            v.holder_id, v.is_referral_code, v.additional_info, v.publish_count, v.created_at, v.updated_at, holder,
            held, rules, array_to_json(counted));
    END LOOP;
    IF p_order IS NOT NULL THEN
        SELECT json_build_object('id', o.id, 'public_id', o.public_id, 'source_id', o.source_id,
            'revision', o.revision, 'status', o.status, 'customer_id', o.customer_id, 'amount', o.amount,
            'initial_amount', o.initial_amount, 'discount_amount', o.discount_amount,
            'items_discount_amount', o.items_discount_amount, 'items', o.items, 'metadata', o.metadata,
            'redemptions', o.redemptions, 'referrer_id', o.referrer_id, 'created_at', o.created_at)
        INTO orders FROM checkout_order o
        WHERE o.retailer_id = p_retailer AND (o.source_id = p_order OR (p_order_by_id AND o.public_id = p_order));
        IF orders ->> 'customer_id' IS NOT NULL THEN
            SELECT json_build_array(d.id, d.public_id, d.source_id, d.name, d.email, d.phone, d.metadata, d.segments)
            INTO owner FROM offers_customer d WHERE d.id = (orders ->> 'customer_id')::bigint;
        END IF;
    END IF;
    IF p_referrer IS NOT NULL THEN
        SELECT d.public_id INTO sender FROM offers_customer d
        WHERE d.retailer_id = p_retailer AND d.erased_at IS NULL
          AND (d.public_id = p_referrer OR d.source_id = p_referrer);
    END IF;
    IF p_products IS NOT NULL THEN
        SELECT json_agg(json_build_array(f.kind, f.public_id, f.source_id, f.name, f.price, f.metadata, f.product_id,
            f.product_source_id)) INTO products FROM (
            SELECT 'product' AS kind, d.public_id, d.source_id, d.name, d.price, d.metadata, NULL AS product_id,
                   NULL AS product_source_id
            FROM offers_product d WHERE d.retailer_id = p_retailer
             AND (d.public_id = ANY (p_products) OR d.source_id = ANY (p_products))
            UNION ALL
            SELECT 'sku', s.public_id, s.source_id, coalesce(s.sku, d.name), coalesce(s.price, d.price), s.metadata,
                   d.public_id, d.source_id
            FROM offers_sku s JOIN offers_product d ON d.id = s.product_id WHERE s.retailer_id = p_retailer
             AND (s.public_id = ANY (p_products) OR s.source_id = ANY (p_products))
            UNION ALL
            SELECT 'product', d.public_id, d.source_id, d.name, d.price, d.metadata, NULL, NULL
            FROM offers_sku s JOIN offers_product d ON d.id = s.product_id WHERE s.retailer_id = p_retailer
             AND (s.public_id = ANY (p_products) OR s.source_id = ANY (p_products))) AS f;
    END IF;
    RETURN json_build_object('version', version, 'order', orders, 'owner', owner, 'referrer', sender,
        'products', products,
        'vouchers', array_to_json(vouchers),
        'customer', CASE WHEN cust.id IS NOT NULL THEN json_build_array(cust.id, cust.public_id, cust.source_id,
            cust.name, cust.email, cust.phone, cust.metadata, cust.segments) END)::text;
END
$$;
