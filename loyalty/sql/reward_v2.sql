-- Writes what many plain sales give, in one call: purchases, points with their lots and journal lines, awards.
--
-- The caller has locked the members. p: {now, purchases: [{member, occasion, closed_at, spend,
-- seen}], awards: [{key, retailer,
-- member, rule, version, occasion, account, points, detail, reason, row, counter, left, expires}]}; an award's `row` is
-- the member's account, `left` what a balance below zero leaves of its lot. Anything that was given before fails as a
-- whole (unique keys): nothing is given twice.
CREATE OR REPLACE FUNCTION loyalty_reward(p jsonb) RETURNS void LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    this_now timestamptz := p ->> 'now';
    counters bigint[];
    amounts bigint[];
    keys text[];
    reasons text[];
    accounts bigint[];
BEGIN
    INSERT INTO loyalty_purchase (member_id, occasion, closed_at, spend, voided, seen)
    SELECT x.member, x.occasion, x.closed_at, x.spend, false, x.seen
    FROM jsonb_to_recordset(p -> 'purchases') AS x(member bigint, occasion text, closed_at timestamptz, spend bigint,
                                                   seen jsonb)
    ON CONFLICT (occasion, member_id) DO UPDATE
    SET closed_at = excluded.closed_at, spend = excluded.spend, voided = excluded.voided,
        seen = coalesce(loyalty_purchase.seen, excluded.seen);

    SELECT array_agg(x.counter), array_agg(x.points), array_agg('earn:' || x.key), array_agg(x.reason),
           array_agg(x."row")
    INTO counters, amounts, keys, reasons, accounts
    FROM jsonb_to_recordset(p -> 'awards') AS x(counter bigint, points bigint, key text, reason text, "row" bigint);
    IF counters IS NULL THEN
        RETURN;
    END IF;
    PERFORM ledger_grant_many(counters, amounts, keys, reasons, this_now);
    UPDATE loyalty_memberaccount a SET lifetime = a.lifetime + s.amount
    FROM (SELECT m.id, sum(m.amount)::bigint AS amount FROM unnest(accounts, amounts) AS m(id, amount)
          GROUP BY m.id OFFSET 0) s
    WHERE a.id = s.id;
    INSERT INTO loyalty_pointlot (member_account_id, amount, "left", earned_at, expires_at, reference)
    SELECT x."row", x.points, x."left", this_now, x.expires, x.key
    FROM jsonb_to_recordset(p -> 'awards') AS x("row" bigint, points bigint, "left" bigint, expires timestamptz,
                                                key text);
    INSERT INTO loyalty_award (key, retailer_id, member_id, rule_id, version_id, occasion, kind, account_id, points,
                               detail, created_at)
    SELECT x.key, x.retailer, x.member, x.rule, x.version, x.occasion, 'points', x.account, x.points, x.detail, this_now
    FROM jsonb_to_recordset(p -> 'awards') AS x(key text, retailer bigint, member bigint, rule bigint, version bigint,
        occasion text, account bigint, points bigint, detail jsonb);
END
$$;
