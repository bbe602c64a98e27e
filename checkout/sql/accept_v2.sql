-- Stores one version of a till's transaction, claims the locks it names and puts it in the queue: all in one statement.
--
-- p: {retailer, version, store: uuid, transaction_id, request: key of the request, request_hash, content_hash (hex),
--  payload, is_closed, is_voided, modified: text or null, local: whether it is in the store's zone, receipt_code,
--  references: [uuid of user offers], client, now}.
-- Answers one of: version (the caller knows an older configuration; nothing was done), no_store, receipt_taken, replay,
-- conflict (the request's key came with another body), duplicate (this content is known), open, stale, queued.
--
-- Order of locks: the transaction's head, then lock rows by id. Twenty senders of one receipt queue up at the head.
CREATE OR REPLACE FUNCTION checkout_accept(p jsonb) RETURNS TABLE (outcome text, version bigint, revision bigint)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    this_now timestamptz := p ->> 'now';
    this_closed boolean := p ->> 'is_closed';
    this_void boolean := p ->> 'is_voided';
    this_content bytea := decode(p ->> 'content_hash', 'hex');
    this_request text := p ->> 'request';
    this_receipt text := p ->> 'receipt_code';
    this_modified timestamptz;
    this_number integer := 1;
    this_state text := 'open';
    place record;
    head bigint;
    force record;
    seen text;
    made bigint;
BEGIN
    SELECT v.number, r.id AS retailer_id, s.id AS store_id, coalesce(nullif(s.timezone, ''), r.timezone) AS zone
    INTO place
    FROM offers_retailerversion v JOIN offers_retailer r ON r.id = v.retailer_id
    LEFT JOIN offers_store s ON s.uuid = (p ->> 'store')::uuid AND s.retailer_id = r.id AND s.active
    WHERE v.retailer_id = (p ->> 'retailer')::bigint;
    IF place.number > (p ->> 'version')::bigint THEN
        RETURN QUERY SELECT 'version', place.number, NULL::bigint;
        RETURN;
    ELSIF place.store_id IS NULL THEN
        RETURN QUERY SELECT 'no_store', place.number, NULL::bigint;
        RETURN;
    END IF;
    this_modified := CASE
        WHEN p ->> 'modified' IS NULL THEN this_now
        WHEN (p ->> 'local')::boolean THEN (p ->> 'modified')::timestamp AT TIME ZONE place.zone
        ELSE (p ->> 'modified')::timestamptz
    END;
    IF this_receipt IS NOT NULL AND EXISTS (
        SELECT 1 FROM checkout_transaction t
        WHERE t.retailer_id = place.retailer_id AND t.receipt_code = this_receipt
          AND (t.store_id, t.transaction_id) <> (place.store_id, p ->> 'transaction_id')
    ) THEN
        RETURN QUERY SELECT 'receipt_taken', place.number, NULL::bigint;
        RETURN;
    END IF;

    IF this_closed THEN
        this_state := 'queued';
    END IF;
    INSERT INTO checkout_transaction (retailer_id, store_id, transaction_id, receipt_code, first_closed_at, modified_at,
                                      created_at)
    VALUES (place.retailer_id, place.store_id, p ->> 'transaction_id', this_receipt,
            CASE WHEN this_closed THEN this_modified END, this_modified, this_now)
    ON CONFLICT (store_id, transaction_id) DO NOTHING
    RETURNING id INTO head;
    IF head IS NULL THEN
        SELECT t.id INTO head FROM checkout_transaction t
        WHERE t.store_id = place.store_id AND t.transaction_id = p ->> 'transaction_id' FOR UPDATE;
        SELECT r.requests ->> this_request INTO seen FROM checkout_revision r
        WHERE r.transaction_id = head AND r.requests ? this_request LIMIT 1;
        IF seen IS NOT NULL THEN
            RETURN QUERY SELECT CASE WHEN seen = p ->> 'request_hash' THEN 'replay' ELSE 'conflict' END, place.number,
                                NULL::bigint;
            RETURN;
        END IF;
        -- What is in force: the newest version that counts. A draft never makes a closed one old, nor does one that
        -- staff discarded.
        SELECT r.id, r.content_hash, r.modified_at, r.is_voided INTO force FROM checkout_revision r
        WHERE r.transaction_id = head AND r.state <> 'stale' AND r.is_closed AND r.result -> 'discarded' IS NULL
        ORDER BY r.modified_at DESC, r.number DESC LIMIT 1;
        SELECT r.id INTO made FROM checkout_revision r
        WHERE r.transaction_id = head AND r.content_hash = this_content
          AND (r.id = force.id OR r.modified_at = this_modified OR (force.id IS NULL AND p ->> 'modified' IS NULL))
        ORDER BY r.id DESC LIMIT 1;
        IF made IS NOT NULL THEN
            UPDATE checkout_revision r SET requests = r.requests || jsonb_build_object(this_request, p ->> 'request_hash')
            WHERE r.id = made AND (SELECT count(*) FROM jsonb_object_keys(r.requests)) < 100;
            RETURN QUERY SELECT 'duplicate', place.number, made;
            RETURN;
        END IF;
        -- A void may carry the very time of what it undoes: it cannot have come before it.
        IF force.id IS NOT NULL AND (this_modified < force.modified_at
            OR (this_modified = force.modified_at AND NOT (this_void AND NOT force.is_voided))) THEN
            this_state := 'stale';
        END IF;
        SELECT max(r.number) + 1 INTO this_number FROM checkout_revision r WHERE r.transaction_id = head;
        UPDATE checkout_transaction t
        SET receipt_code = coalesce(t.receipt_code, this_receipt),
            modified_at = CASE WHEN this_state = 'stale' THEN t.modified_at ELSE this_modified END,
            first_closed_at = coalesce(t.first_closed_at, CASE WHEN this_closed THEN this_modified END)
        WHERE t.id = head;
    END IF;

    INSERT INTO checkout_revision (transaction_id, number, content_hash, payload, modified_at, is_closed, is_voided,
        state, attempts, next_at, error, client_id, requests, received_at)
    VALUES (head, this_number, this_content, p -> 'payload', this_modified, this_closed, this_void, this_state, 0,
        CASE WHEN this_state = 'queued' THEN this_now END, '', p ->> 'client',
        jsonb_build_object(this_request, p ->> 'request_hash'), this_now)
    RETURNING id INTO made;

    -- From here on the lock no longer ends by time: a slow queue cannot give the offer to somebody else. One whose time
    -- has passed but which nobody else has taken still is this customer's, who stands at the till.
    IF this_state = 'queued' AND jsonb_array_length(p -> 'references') > 0 THEN
        UPDATE checkout_offerlock l SET state = 'claimed'
        FROM (
            SELECT k.id FROM checkout_offerlock k JOIN offers_useroffer u ON u.id = k.user_offer_id
            WHERE k.store_id = place.store_id AND k.transaction_id = p ->> 'transaction_id' AND k.state = 'active'
              AND u.uuid IN (SELECT x::uuid FROM jsonb_array_elements_text(p -> 'references') AS x)
            ORDER BY k.id FOR UPDATE OF k
        ) mine
        WHERE l.id = mine.id AND l.state = 'active';
    END IF;
    RETURN QUERY SELECT this_state, place.number, made;
END
$$;
