CREATE TABLE voucher (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE,
    active boolean NOT NULL DEFAULT true,
    discount jsonb NOT NULL,
    max_uses integer,
    used integer NOT NULL DEFAULT 0,
    starts_at timestamptz,
    ends_at timestamptz,
    CHECK (used BETWEEN 0 AND max_uses)
);
CREATE TABLE hold (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    voucher_id bigint NOT NULL,
    session_key text NOT NULL,
    customer text NOT NULL,
    amount bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    UNIQUE (session_key, voucher_id)
);
CREATE TABLE redemption (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    voucher_id bigint NOT NULL,
    session_key text NOT NULL,
    customer text NOT NULL,
    amount bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON redemption (voucher_id);
CREATE TABLE sale (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id text NOT NULL,
    transaction_id text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (store_id, transaction_id)
);
