-- Takes from the ledger and stores everything a redemption leaves behind: all of it or nothing. As redeem_v2.sql; what
-- came along about a customer whom another request made a moment ago is kept as well.
--
-- p: {retailer, now, actor: {kind, ident, name}, wants, reference, items, session_key, tracking_id,
--  customer: null | {id, ...sent fields} | {public_id, source_id, ...sent fields}, order: null | row of checkout_order
--  with stored_id and revision for one that is there, parent: null | row of checkout_redemption, rows: the same,
--  locked: [{object, id}], events: [{public_id, redemption}], owners: vouchers whose figures to answer}.
-- Answers ok with the keys made and the figures after it; not ok with what ran out; no row when the order changed since
-- it was read.
CREATE OR REPLACE FUNCTION checkout_redeem(p jsonb) RETURNS TABLE (ok boolean, item text, kind text, available bigint,
    customer_id bigint, customer_public_id text, order_id bigint, parent_id bigint, figures text)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    this_retailer bigint := p ->> 'retailer';
    this_now timestamptz := p ->> 'now';
    this_key text := p ->> 'session_key';
    this_tracking text := p ->> 'tracking_id';
    this_reference text := p ->> 'reference';
    actor_kind text := p #>> '{actor,kind}';
    actor_ident text := p #>> '{actor,ident}';
    wants jsonb := p -> 'wants';
    -- Items are letters and digits: as an array literal they need no statement of their own.
    items text[] := translate(p ->> 'items', '[]" ', '{}');
    o jsonb := nullif(p -> 'order', 'null');
    stored_order bigint := o ->> 'stored_id';
    c jsonb := nullif(p -> 'customer', 'null');
    buyer record;
    gone text[];
    r jsonb;
    took record;
    new_customer bigint;
    new_customer_id text;
    new_order bigint;
    new_parent bigint;
    now_figures json;
BEGIN
    IF stored_order IS NOT NULL THEN
        PERFORM 1 FROM checkout_order WHERE id = stored_order AND revision = (o ->> 'revision')::bigint FOR UPDATE;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;

    IF jsonb_array_length(wants) <> 1
       OR NOT ledger_take_one(this_retailer, wants -> 0, this_reference, items, true, NULL, this_now) THEN
        SELECT * INTO took FROM ledger_take(this_retailer, wants, this_reference, items, true, NULL, this_now);
        IF NOT took.ok THEN
            RETURN QUERY SELECT false, took.item, took.kind, took.available, NULL::bigint, NULL::text, NULL::bigint,
                                NULL::bigint, NULL::text;
            RETURN;
        END IF;
    END IF;

    new_customer := c ->> 'id';
    new_customer_id := c ->> 'public_id';
    IF c IS NOT NULL AND (new_customer IS NULL OR (c ->> 'changed')::boolean) THEN
        SELECT * INTO buyer FROM jsonb_to_record(c) AS x(source_id text, name text, description text, email text,
            phone text, birthdate date, address jsonb, metadata jsonb);
        -- A key sent as null goes (offers/lib/metadata.py says the same).
        gone := ARRAY (SELECT key FROM jsonb_each(buyer.metadata) WHERE value = 'null');
        IF new_customer IS NULL THEN
            INSERT INTO offers_customer (public_id, retailer_id, source_id, name, description, email, phone, birthdate,
                                         address, metadata, segments, created_at)
            VALUES (new_customer_id, this_retailer, buyer.source_id, buyer.name, buyer.description, buyer.email,
                    buyer.phone, buyer.birthdate, buyer.address, coalesce(buyer.metadata, '{}') - gone, '[]', this_now)
            ON CONFLICT (retailer_id, source_id) WHERE source_id IS NOT NULL
            DO UPDATE SET name = coalesce(excluded.name, offers_customer.name),
                description = coalesce(excluded.description, offers_customer.description),
                email = coalesce(excluded.email, offers_customer.email),
                phone = coalesce(excluded.phone, offers_customer.phone),
                birthdate = coalesce(excluded.birthdate, offers_customer.birthdate),
                address = coalesce(excluded.address, offers_customer.address),
                metadata = (offers_customer.metadata || excluded.metadata) - gone, updated_at = this_now
            RETURNING id, public_id INTO new_customer, new_customer_id;
        ELSE
            UPDATE offers_customer SET name = coalesce(buyer.name, name), email = coalesce(buyer.email, email),
                description = coalesce(buyer.description, description), phone = coalesce(buyer.phone, phone),
                birthdate = coalesce(buyer.birthdate, birthdate), address = coalesce(buyer.address, address),
                metadata = (metadata || coalesce(buyer.metadata, '{}')) - gone, updated_at = this_now
            WHERE id = new_customer;
        END IF;
    END IF;

    IF stored_order IS NOT NULL THEN
        new_order := stored_order;
        UPDATE checkout_order SET status = o ->> 'status', customer_id = coalesce(new_customer, customer_id),
            amount = (o ->> 'amount')::bigint, initial_amount = (o ->> 'initial_amount')::bigint,
            discount_amount = (o ->> 'discount_amount')::bigint,
            items_discount_amount = (o ->> 'items_discount_amount')::bigint,
            total_discount_amount = (o ->> 'total_discount_amount')::bigint,
            total_amount = (o ->> 'total_amount')::bigint, items = o -> 'items', redemptions = o -> 'redemptions',
            metadata = o -> 'metadata', revision = checkout_order.revision + 1, updated_at = this_now
        WHERE id = stored_order;
    ELSIF o IS NOT NULL THEN
        INSERT INTO checkout_order (public_id, retailer_id, source_id, status, customer_id, referrer_id, amount,
            initial_amount, discount_amount, items_discount_amount, total_discount_amount, total_amount, items,
            redemptions, metadata, revision, created_at)
        VALUES (o ->> 'public_id', this_retailer, o ->> 'source_id', o ->> 'status', new_customer, o ->> 'referrer_id',
            (o ->> 'amount')::bigint, (o ->> 'initial_amount')::bigint, (o ->> 'discount_amount')::bigint,
            (o ->> 'items_discount_amount')::bigint, (o ->> 'total_discount_amount')::bigint,
            (o ->> 'total_amount')::bigint, o -> 'items', o -> 'redemptions', o -> 'metadata', 1, this_now)
        RETURNING id INTO new_order;
    END IF;

    r := nullif(p -> 'parent', 'null');
    IF r IS NOT NULL THEN
        INSERT INTO checkout_redemption (public_id, retailer_id, kind, succeeded, customer_id, order_id, code,
            tracking_id, session_key, discount_amount, metadata, failure_code, failure_message, reason, detail,
            channel_type, channel_id, created_at)
        VALUES (r ->> 'public_id', this_retailer, 'redemption', true, new_customer, new_order, '', this_tracking,
            this_key, (r ->> 'discount_amount')::bigint, nullif(r -> 'metadata', 'null'), '', '', '', r -> 'detail',
            actor_kind, actor_ident, this_now)
        RETURNING id INTO new_parent;
    END IF;
    FOR n IN 0 .. jsonb_array_length(p -> 'rows') - 1 LOOP
        r := p -> 'rows' -> n;
        INSERT INTO checkout_redemption (public_id, retailer_id, kind, succeeded, parent_id, voucher_id, tier_id,
            campaign_id, code, customer_id, order_id, tracking_id, session_key, amount, discount_amount, metadata,
            failure_code, failure_message, reason, detail, trace, channel_type, channel_id, created_at)
        VALUES (r ->> 'public_id', this_retailer, 'redemption', true, new_parent, (r ->> 'voucher_id')::bigint,
            (r ->> 'tier_id')::bigint, (r ->> 'campaign_id')::bigint, r ->> 'code', new_customer, new_order,
            this_tracking, this_key, (r ->> 'amount')::bigint, (r ->> 'discount_amount')::bigint,
            nullif(r -> 'metadata', 'null'), '', '', '', r -> 'detail', nullif(r -> 'trace', 'null'), actor_kind,
            actor_ident, this_now);
    END LOOP;

    IF this_key <> '' THEN
        FOR n IN 0 .. jsonb_array_length(p -> 'locked') - 1 LOOP
            UPDATE checkout_locksession l SET ended_at = this_now, ended_by = p #>> '{actor,name}',
                state = CASE WHEN l.expires_at <= this_now THEN 'expired' ELSE 'redeemed' END
            WHERE l.object_id = (p -> 'locked' -> n ->> 'id')::bigint AND l.object = p -> 'locked' -> n ->> 'object'
              AND l.key = this_key AND l.state = 'live';
        END LOOP;
    END IF;
    IF p -> 'events' <> 'null' THEN
        INSERT INTO outbox_event (public_id, retailer_id, type, data, source, created_at)
        SELECT e.public_id, this_retailer, 'redemption.succeeded', jsonb_build_object('redemption', e.redemption), '{}',
               this_now
        FROM jsonb_to_recordset(p -> 'events') AS e(public_id text, redemption text);
    END IF;
    IF jsonb_array_length(p -> 'owners') > 0 THEN
        now_figures := ledger_figures(translate(p ->> 'owners', '[] ', '{}')::bigint[],
                                      '{voucher.uses,voucher.credits}');
    END IF;
    ok := true;
    customer_id := new_customer;
    customer_public_id := new_customer_id;
    order_id := new_order;
    parent_id := new_parent;
    figures := now_figures;
    RETURN NEXT;
END
$$;
