-- The one read behind a validation or redemption: as read_v2.sql, and whose a stored order is, and who sent the shopper.
--
-- Step by step instead of in one large statement: what a request does not ask for is not looked for, each statement has
-- one table and one index (take_v2.sql says why), and little has to be set up before the first row is read.
CREATE OR REPLACE FUNCTION checkout_read(p jsonb) RETURNS text LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    a record;
    cust record;
    buyer bigint;
    own_counters bigint[];
    own_amounts bigint[];
    own_items text[];
    own bigint;
    due bigint;
    version bigint;
    asked text;
    v offers_voucher;
    seen bigint[] := '{}';
    holder text;
    rules json;
    n record;
    counted json[];
    vouchers json[] := '{}';
    orders json;
    owner json;
    sender text;
    products json;
BEGIN
    SELECT * INTO a FROM jsonb_to_record(p) AS x(retailer bigint, codes text[], by_id boolean, customer text,
        customer_by_id boolean, reference text, periods text[], now timestamptz, "order" text, order_by_id boolean,
        products text[], referrer text);
    SELECT number INTO version FROM offers_retailerversion WHERE retailer_id = a.retailer;
    IF a.customer_by_id THEN
        SELECT id, public_id, source_id, name, email, phone, metadata, segments INTO cust FROM offers_customer
        WHERE public_id = a.customer AND retailer_id = a.retailer AND erased_at IS NULL;
    ELSE
        SELECT id, public_id, source_id, name, email, phone, metadata, segments INTO cust FROM offers_customer
        WHERE retailer_id = a.retailer AND source_id = a.customer AND erased_at IS NULL;
    END IF;
    buyer := coalesce(cust.id, 0);
    IF a.reference <> '' THEN
        SELECT array_agg(counter_id), array_agg(amount), array_agg(item) INTO own_counters, own_amounts, own_items
        FROM ledger_hold
        WHERE reference = a.reference AND state = 'live' AND (pinned OR expires_at > a.now);
    END IF;
    FOREACH asked IN ARRAY a.codes LOOP
        SELECT * INTO v FROM offers_voucher
        WHERE retailer_id = a.retailer AND code = asked AND deleted_at IS NULL;
        IF v.id IS NULL AND a.by_id THEN
            SELECT * INTO v FROM offers_voucher
            WHERE public_id = asked AND retailer_id = a.retailer AND deleted_at IS NULL;
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
        counted := NULL;
        FOR n IN
            SELECT c.kind, c.subject, c.scope, c.period, sum(c.granted) AS granted, sum(c.taken) AS taken,
                   sum(c.withdrawn) AS withdrawn, array_agg(c.id) AS ids
            FROM ledger_counter c
            WHERE c.owner IN (v.id, v.campaign_id) AND c.subject IN (0, buyer) AND c.period = ANY (a.periods)
              AND c.kind = ANY (CASE WHEN c.owner = v.id AND c.owner = v.campaign_id
                                     THEN '{voucher.uses,voucher.customer_uses,voucher.credits,voucher.rule,campaign.budget,campaign.rule}'
                                     WHEN c.owner = v.id
                                     THEN '{voucher.uses,voucher.customer_uses,voucher.credits,voucher.rule}'
                                     ELSE '{campaign.budget,campaign.rule}' END::text[])
            GROUP BY c.kind, c.subject, c.scope, c.period
        LOOP
            own := NULL;
            -- What this request's own session holds does not count against it.
            FOR at IN 1 .. coalesce(cardinality(own_counters), 0) LOOP
                IF own_items[at] = 'v' || v.id AND own_counters[at] = ANY (n.ids) THEN
                    own := coalesce(own, 0) + own_amounts[at];
                END IF;
            END LOOP;
            due := NULL;
            -- What is due counts as free. It is looked for only when it matters: no expiry scan on the happy path.
            IF n.taken >= n.granted OR (n.kind <> 'voucher.uses' AND n.taken > 0) THEN
                SELECT sum(d.amount) INTO due FROM ledger_hold d
                WHERE d.counter_id = ANY (n.ids) AND d.state = 'live' AND NOT d.pinned AND d.expires_at <= a.now;
            END IF;
            counted := counted || json_build_array(n.kind, n.subject, n.scope, n.period, n.granted, n.taken,
                                                   n.withdrawn, own, due);
        END LOOP;
        vouchers := vouchers || json_build_array(v.id, v.public_id, v.code, v.type, v.campaign_id, v.category_id,
            v.active, v.start_date, v.expiration_date, v.validity_timeframe, v.validity_day_of_week, v.validity_hours,
            v.discount, v.gift_amount, v.gift_effect, v.redemption_limit, v.customer_limit, v.hot, v.metadata,
            v.holder_id, v.is_referral_code, v.additional_info, v.publish_count, v.created_at, v.updated_at, holder,
            rules, array_to_json(counted));
    END LOOP;
    IF a."order" IS NOT NULL THEN
        SELECT json_build_object('id', o.id, 'public_id', o.public_id, 'source_id', o.source_id,
            'revision', o.revision, 'status', o.status, 'customer_id', o.customer_id, 'amount', o.amount,
            'initial_amount', o.initial_amount, 'discount_amount', o.discount_amount,
            'items_discount_amount', o.items_discount_amount, 'items', o.items, 'metadata', o.metadata,
            'redemptions', o.redemptions, 'referrer_id', o.referrer_id, 'created_at', o.created_at)
        INTO orders FROM checkout_order o
        WHERE o.retailer_id = a.retailer AND (o.source_id = a."order" OR (a.order_by_id AND o.public_id = a."order"));
        IF orders ->> 'customer_id' IS NOT NULL THEN
            SELECT json_build_array(d.id, d.public_id, d.source_id, d.name, d.email, d.phone, d.metadata, d.segments)
            INTO owner FROM offers_customer d WHERE d.id = (orders ->> 'customer_id')::bigint;
        END IF;
    END IF;
    IF a.referrer IS NOT NULL THEN
        SELECT d.public_id INTO sender FROM offers_customer d
        WHERE d.retailer_id = a.retailer AND d.erased_at IS NULL
          AND (d.public_id = a.referrer OR d.source_id = a.referrer);
    END IF;
    IF a.products IS NOT NULL THEN
        SELECT json_agg(json_build_array(f.kind, f.public_id, f.source_id, f.name, f.price, f.metadata, f.product_id,
            f.product_source_id)) INTO products FROM (
            SELECT 'product' AS kind, d.public_id, d.source_id, d.name, d.price, d.metadata, NULL AS product_id,
                   NULL AS product_source_id
            FROM offers_product d WHERE d.retailer_id = a.retailer
             AND (d.public_id = ANY (a.products) OR d.source_id = ANY (a.products))
            UNION ALL
            SELECT 'sku', s.public_id, s.source_id, coalesce(s.sku, d.name), coalesce(s.price, d.price), s.metadata,
                   d.public_id, d.source_id
            FROM offers_sku s JOIN offers_product d ON d.id = s.product_id WHERE s.retailer_id = a.retailer
             AND (s.public_id = ANY (a.products) OR s.source_id = ANY (a.products))
            UNION ALL
            SELECT 'product', d.public_id, d.source_id, d.name, d.price, d.metadata, NULL, NULL
            FROM offers_sku s JOIN offers_product d ON d.id = s.product_id WHERE s.retailer_id = a.retailer
             AND (s.public_id = ANY (a.products) OR s.source_id = ANY (a.products))) AS f;
    END IF;
    RETURN json_build_object('version', version, 'order', orders, 'owner', owner, 'referrer', sender,
        'products', products,
        'vouchers', array_to_json(vouchers),
        'customer', CASE WHEN cust.id IS NOT NULL THEN json_build_array(cust.id, cust.public_id, cust.source_id,
            cust.name, cust.email, cust.phone, cust.metadata, cust.segments) END)::text;
END
$$;
