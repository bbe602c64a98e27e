-- Takes from the ledger and stores everything a redemption leaves behind: all of it or nothing.
--
-- p: {retailer, now, actor: {kind, ident, name}, wants, reference, items, session_key, tracking_id,
--  customer: null | {id, ...sent fields} | {public_id, source_id, ...sent fields}, order: null | row of checkout_order
--  with stored_id and revision for one that is there, parent: null | row of checkout_redemption, rows: the same,
--  locked: [{object, id}], events: [{public_id, redemption}], owners: vouchers whose figures to answer}.
-- Answers ok with the keys made and the figures after it; not ok with what ran out; no row when the order changed since
-- it was read.
CREATE FUNCTION checkout_redeem(p jsonb) RETURNS TABLE (ok boolean, item text, kind text, available bigint,
    customer_id bigint, customer_public_id text, order_id bigint, parent_id bigint, figures text)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    this_retailer bigint := p ->> 'retailer';
    this_now timestamptz := p ->> 'now';
    this_key text := p ->> 'session_key';
    this_tracking text := p ->> 'tracking_id';
    actor_kind text := p #>> '{actor,kind}';
    actor_ident text := p #>> '{actor,ident}';
    buyer record;
    o record;
    gone text[];
    made_customer bigint;
    made_customer_id text;
    made_order bigint;
    made_parent bigint;
    took record;
BEGIN
    -- Without an order the record is still made, of nulls.
    SELECT * INTO o FROM jsonb_to_record(coalesce(nullif(p -> 'order', 'null'), '{}')) AS x(stored_id bigint,
        revision bigint, public_id text, source_id text, status text, referrer_id text, amount bigint,
        initial_amount bigint, discount_amount bigint, items_discount_amount bigint, total_discount_amount bigint,
        total_amount bigint, items jsonb, redemptions jsonb, metadata jsonb);
    IF o.stored_id IS NOT NULL THEN
        PERFORM 1 FROM checkout_order WHERE id = o.stored_id AND revision = o.revision FOR UPDATE;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;

    SELECT * INTO took
    FROM ledger_take(this_retailer, p -> 'wants', p ->> 'reference',
                     ARRAY (SELECT jsonb_array_elements_text(p -> 'items')), true, NULL, this_now);
    IF NOT took.ok THEN
        RETURN QUERY SELECT false, took.item, took.kind, took.available, NULL::bigint, NULL::text, NULL::bigint,
                            NULL::bigint, NULL::text;
        RETURN;
    END IF;

    IF p -> 'customer' <> 'null' THEN
        SELECT * INTO buyer FROM jsonb_to_record(p -> 'customer') AS x(id bigint, public_id text, source_id text,
            changed boolean, name text, description text, email text, phone text, birthdate date, address jsonb,
            metadata jsonb);
        -- A key sent as null goes (offers/lib/metadata.py says the same).
        gone := ARRAY (SELECT key FROM jsonb_each(buyer.metadata) WHERE value = 'null');
        made_customer := buyer.id;
        made_customer_id := buyer.public_id;
        IF buyer.id IS NULL THEN
            INSERT INTO offers_customer (public_id, retailer_id, source_id, name, description, email, phone, birthdate,
                                         address, metadata, segments, created_at)
            VALUES (buyer.public_id, this_retailer, buyer.source_id, buyer.name, buyer.description, buyer.email,
                    buyer.phone, buyer.birthdate, buyer.address, coalesce(buyer.metadata, '{}') - gone, '[]', this_now)
            ON CONFLICT (retailer_id, source_id) WHERE source_id IS NOT NULL
            DO UPDATE SET source_id = excluded.source_id
            RETURNING id, public_id INTO made_customer, made_customer_id;
        ELSIF buyer.changed THEN
            UPDATE offers_customer SET name = coalesce(buyer.name, name), email = coalesce(buyer.email, email),
                description = coalesce(buyer.description, description), phone = coalesce(buyer.phone, phone),
                birthdate = coalesce(buyer.birthdate, birthdate), address = coalesce(buyer.address, address),
                metadata = (metadata || coalesce(buyer.metadata, '{}')) - gone, updated_at = this_now
            WHERE id = buyer.id;
        END IF;
    END IF;

    IF o.stored_id IS NOT NULL THEN
        made_order := o.stored_id;
        UPDATE checkout_order SET status = o.status, customer_id = coalesce(made_customer, customer_id),
            amount = o.amount, initial_amount = o.initial_amount, discount_amount = o.discount_amount,
            items_discount_amount = o.items_discount_amount, total_discount_amount = o.total_discount_amount,
            total_amount = o.total_amount, items = o.items, redemptions = o.redemptions, metadata = o.metadata,
            revision = checkout_order.revision + 1, updated_at = this_now
        WHERE id = o.stored_id;
    ELSIF o.public_id IS NOT NULL THEN
        INSERT INTO checkout_order (public_id, retailer_id, source_id, status, customer_id, referrer_id, amount,
            initial_amount, discount_amount, items_discount_amount, total_discount_amount, total_amount, items,
            redemptions, metadata, revision, created_at)
        VALUES (o.public_id, this_retailer, o.source_id, o.status, made_customer, o.referrer_id, o.amount,
            o.initial_amount, o.discount_amount, o.items_discount_amount, o.total_discount_amount, o.total_amount,
            o.items, o.redemptions, o.metadata, 1, this_now)
        RETURNING id INTO made_order;
    END IF;

    IF p -> 'parent' <> 'null' THEN
        INSERT INTO checkout_redemption (public_id, retailer_id, kind, succeeded, customer_id, order_id, code,
            tracking_id, session_key, discount_amount, metadata, failure_code, failure_message, reason, detail,
            channel_type, channel_id, created_at)
        SELECT r.public_id, this_retailer, 'redemption', true, made_customer, made_order, '', this_tracking, this_key,
               r.discount_amount, r.metadata, '', '', '', r.detail, actor_kind, actor_ident, this_now
        FROM jsonb_to_record(p -> 'parent') AS r(public_id text, discount_amount bigint, metadata jsonb, detail jsonb)
        RETURNING id INTO made_parent;
    END IF;
    INSERT INTO checkout_redemption (public_id, retailer_id, kind, succeeded, parent_id, voucher_id, tier_id,
        campaign_id, code, customer_id, order_id, tracking_id, session_key, amount, discount_amount, metadata,
        failure_code, failure_message, reason, detail, trace, channel_type, channel_id, created_at)
    SELECT r.public_id, this_retailer, 'redemption', true, made_parent, r.voucher_id, r.tier_id, r.campaign_id, r.code,
           made_customer, made_order, this_tracking, this_key, r.amount, r.discount_amount, r.metadata, '', '', '',
           r.detail, r.trace, actor_kind, actor_ident, this_now
    FROM jsonb_to_recordset(p -> 'rows') AS r(public_id text, voucher_id bigint, tier_id bigint, campaign_id bigint,
        code text, amount bigint, discount_amount bigint, metadata jsonb, detail jsonb, trace jsonb);

    IF this_key <> '' THEN
        UPDATE checkout_locksession l SET ended_at = this_now, ended_by = p #>> '{actor,name}',
            state = CASE WHEN l.expires_at <= this_now THEN 'expired' ELSE 'redeemed' END
        FROM jsonb_to_recordset(p -> 'locked') AS x(object text, id bigint)
        WHERE l.object_id = x.id AND l.object = x.object AND l.key = this_key AND l.state = 'live';
    END IF;
    IF p -> 'events' <> 'null' THEN
        INSERT INTO outbox_event (public_id, retailer_id, type, data, source, created_at)
        SELECT e.public_id, this_retailer, 'redemption.succeeded', jsonb_build_object('redemption', e.redemption), '{}',
               this_now
        FROM jsonb_to_recordset(p -> 'events') AS e(public_id text, redemption text);
    END IF;
    RETURN QUERY SELECT true, NULL::text, NULL::text, NULL::bigint, made_customer, made_customer_id, made_order,
        made_parent,
        ledger_figures(ARRAY (SELECT jsonb_array_elements_text(p -> 'owners')::bigint),
                       '{voucher.uses,voucher.credits}')::text;
END
$$;
