-- Gives back what a session key holds on a voucher (its code or v_ id) and ends the lock.
--
-- Nothing is done when p_version is given and the retailer's configuration is another by now: the caller asks again.
-- Answers how many live locks ended, and the version.
CREATE OR REPLACE FUNCTION checkout_release(p_retailer bigint, p_code text, p_key text, p_reference text,
    p_version bigint, p_by text, p_now timestamptz, OUT released integer, OUT version bigint)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    found_id bigint;
    ended text;
BEGIN
    released := 0;
    SELECT r.number INTO version FROM offers_retailerversion r WHERE r.retailer_id = p_retailer;
    IF p_version <> version THEN
        RETURN;
    END IF;
    SELECT v.id INTO found_id FROM offers_voucher v
    WHERE v.retailer_id = p_retailer AND v.code = p_code AND v.deleted_at IS NULL;
    IF found_id IS NULL THEN
        SELECT v.id INTO found_id FROM offers_voucher v
        WHERE v.public_id = p_code AND v.retailer_id = p_retailer AND v.deleted_at IS NULL;
        IF found_id IS NULL THEN
            RETURN;
        END IF;
    END IF;
    PERFORM ledger_end(p_reference, 'v' || found_id, false, NULL, '', p_now);
    -- After the ledger, as in redeeming: in the other order the two would wait for one another.
    UPDATE checkout_locksession l SET state = CASE WHEN l.expires_at <= p_now THEN 'expired' ELSE 'released' END,
           ended_at = p_now, ended_by = p_by
    WHERE l.object_id = found_id AND l.object = 'voucher' AND l.key = p_key AND l.state = 'live'
    RETURNING l.state INTO ended;
    released := (ended = 'released')::integer;
END
$$;
