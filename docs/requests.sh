#!/bin/sh
# The requests of a shop, ready to try: sends each to a running Offerkeep, says what came back, and stops at the first
# answer that is not what this page promises. Every run makes codes of its own, so it can be run again and again.
#
#   make run                                      # in another terminal
#   sh docs/requests.sh                           # or: sh docs/requests.sh /path/to/demo.env
#   VERBOSE=1 sh docs/requests.sh                 # with the bodies of the answers
set -eu
. "${1:-.data/demo.env}"

RUN=$(date +%s)-$$
ANSWER=$(mktemp)
trap 'rm -f "$ANSWER"' EXIT
COUNT=0

# request STATUS METHOD PATH BODY CURL-OPTIONS...: anything but STATUS ends the script.
request() {
    wanted=$1 method=$2 path=$3 body=$4
    shift 4
    [ -z "$body" ] || set -- "$@" -H 'Content-Type: application/json' -d "$body"
    status=$(curl -sS -o "$ANSWER" -w '%{http_code}' -X "$method" "$@" "$BASE_URL$path")
    COUNT=$((COUNT + 1))
    printf '%s %-6s %s\n' "$status" "$method" "$path"
    [ -z "${VERBOSE:-}" ] || { cat "$ANSWER" && echo; }
    [ "$status" = "$wanted" ] || { echo "expected $wanted, got $status: $(cat "$ANSWER")" >&2 && exit 1; }
}

# send STATUS METHOD PATH [BODY [CURL-OPTIONS...]]: as the shop's server.
send() {
    one=$1 two=$2 three=$3 four=${4:-}
    if [ $# -gt 4 ]; then shift 4; else shift $#; fi
    request "$one" "$two" "$three" "$four" -H "X-App-Id: $APP_ID" -H "X-App-Token: $APP_TOKEN" "$@"
}

# page STATUS METHOD PATH BODY: as the shop's page in a browser.
page() {
    request "$1" "$2" "$3" "$4" -H "X-Client-Application-Id: $CLIENT_ID" -H "X-Client-Token: $CLIENT_TOKEN" \
        -H "Origin: $CLIENT_ORIGIN"
}

# says TEXT: the last answer holds this text.
says() {
    grep -qF -- "$1" "$ANSWER" || { echo "expected $1 in: $(cat "$ANSWER")" >&2 && exit 1; }
}

# id_of NAME: the first id behind this name in the last answer.
id_of() {
    sed -n "s/.*\"$1\":\[\{0,1\}{\{0,1\}\(\"id\":\)\{0,1\}\"\([^\"]*\)\".*/\2/p" "$ANSWER" | head -n 1
}

step() { printf '\n# %s\n' "$1"; }

step 'A marketer makes a campaign of one public code, a gift card, and a promotion without codes'
send 200 POST /v1/campaigns '{"name":"Ten off '"$RUN"'","campaign_type":"DISCOUNT_COUPONS","type":"STATIC",
  "voucher":{"type":"DISCOUNT_VOUCHER","discount":{"type":"PERCENT","percent_off":10,"effect":"APPLY_TO_ORDER"},
             "redemption":{"quantity":2},"code_config":{"pattern":"TEN-####-####"}}}'
send 200 POST "/v1/campaigns/Ten%20off%20$RUN/vouchers/TEN-$RUN"
send 200 POST "/v1/vouchers/CARD-$RUN" '{"type":"GIFT_VOUCHER","gift":{"amount":5000,"effect":"APPLY_TO_ORDER"}}'
send 200 POST /v1/campaigns '{"name":"Big baskets '"$RUN"'","campaign_type":"PROMOTION","promotion":{"tiers":[
  {"name":"5.00 off","action":{"discount":{"type":"AMOUNT","amount_off":500,"effect":"APPLY_TO_ORDER"}}}]}}'
send 200 GET "/v1/promotions/Big%20baskets%20$RUN/tiers"
TIER=$(id_of tiers)

step 'More codes, drawn in the background'
send 202 POST "/v1/campaigns/Ten%20off%20$RUN/vouchers?vouchers_count=100" '{}'
JOB=$(id_of async_action_id)
send 200 GET "/v1/async-actions/$JOB"

step 'Does the code apply? Nothing is used up by asking'
send 200 POST /v1/validations '{"redeemables":[{"object":"voucher","id":"TEN-'"$RUN"'"}],"order":{"amount":10000}}'
says '"valid":true'
says '"total_amount":9000'

step 'Why not? With options.explain every check comes along'
send 200 POST /v1/validations '{"redeemables":[{"object":"voucher","id":"NOBODY"}],"order":{"amount":10000},
  "options":{"explain":true}}'
says '"valid":false'
says '"key":"not_found"'

step 'Lock: two carts take the two uses, the third is told so; the same cart may ask again'
LOCK() { printf '"session":{"type":"LOCK","key":"%s","ttl":15,"ttl_unit":"MINUTES"}' "$1"; }
CODE='"redeemables":[{"object":"voucher","id":"TEN-'"$RUN"'"}],"order":{"amount":10000}'
send 200 POST /v1/validations "{$CODE,$(LOCK cart-1)}"
says '"valid":true'
send 200 POST /v1/validations "{$CODE,$(LOCK cart-1)}"
says '"valid":true'
page 200 POST /client/v1/validations "{$CODE,$(LOCK cart-2)}"
says '"valid":true'
send 200 POST /v1/validations "{$CODE,$(LOCK cart-3)}"
says '"key":"quantity_exceeded"'

step 'Release: a cart that was left gives back'
send 204 DELETE "/v1/vouchers/TEN-$RUN/sessions/cart-2"
send 404 DELETE "/v1/vouchers/TEN-$RUN/sessions/cart-2"

step 'Redeem with the session; sent twice with one Idempotency-Key it happens once'
USE='"session":{"type":"LOCK","key":"cart-1"},"customer":{"source_id":"shopper-'"$RUN"'","name":"Ann"}'
send 200 POST /v1/redemptions "{$CODE,$USE}" -H "Idempotency-Key: order-$RUN"
says '"result":"SUCCESS"'
FIRST=$(id_of redemptions)
send 200 POST /v1/redemptions "{$CODE,$USE}" -H "Idempotency-Key: order-$RUN"
says "$FIRST"
send 200 GET "/v1/vouchers/TEN-$RUN/redemption"
says '"redeemed_quantity":1'

step 'Redeem a stack: part of a gift card, the code and the promotion, all or nothing'
send 200 POST /v1/redemptions '{"redeemables":[
    {"object":"voucher","id":"CARD-'"$RUN"'","gift":{"credits":1500}},
    {"object":"voucher","id":"TEN-'"$RUN"'"},
    {"object":"promotion_tier","id":"'"$TIER"'"}],
  "order":{"source_id":"order-'"$RUN"'","amount":10000},"customer":{"source_id":"shopper-'"$RUN"'"}}'
says '"total_discount_amount":2850'
PARENT=$(id_of parent_redemption)
send 400 POST /v1/redemptions "{$CODE}"
says '"key":"quantity_exceeded"'

step 'Lock points of a loyalty card: what is held is not there for another cart'
send 200 POST /v1/campaigns '{"name":"Club '"$RUN"'","campaign_type":"LOYALTY_PROGRAM",
  "voucher":{"type":"LOYALTY_CARD","loyalty_card":{"points":300,"exchange_ratio":25,"points_ratio":10}}}'
send 200 POST "/v1/vouchers/CLUB-$RUN" '{"type":"LOYALTY_CARD","campaign":"Club '"$RUN"'"}'
send 200 POST /v1/validations '{"redeemables":[{"object":"voucher","id":"CLUB-'"$RUN"'","reward":{"id":"rew_pay","points":250}}],
  "order":{"amount":10000},"session":{"type":"LOCK","key":"points-'"$RUN"'"}}'
says '"total_discount_amount":625'
send 400 POST /v1/redemptions '{"redeemables":[{"object":"voucher","id":"CLUB-'"$RUN"'","reward":{"id":"rew_pay","points":100}}],
  "order":{"amount":10000}}'
says '"key":"loyalty_card_points_exceeded"'
send 204 DELETE "/v1/vouchers/CLUB-$RUN/sessions/points-$RUN"

step 'History'
send 200 GET "/v1/redemptions?limit=5&customer=shopper-$RUN"
says '"total":5' # one alone, and a stack of three with its parent
send 200 GET "/v1/redemptions/$FIRST"
send 200 GET "/v1/orders/order-$RUN"
send 200 GET "/v1/vouchers/CARD-$RUN/transactions"

step 'Roll back: the stack as a whole, the single one alone, neither twice'
send 200 POST "/v1/redemptions/$PARENT/rollbacks?reason=returned"
send 200 POST "/v1/redemptions/$FIRST/rollback" '{"reason":"returned"}'
send 400 POST "/v1/redemptions/$FIRST/rollback"
says '"key":"already_rolled_back"'
send 200 GET "/v1/vouchers/CARD-$RUN"
says '"balance":5000'

step 'A rule: orders of 50.00 and more, with words of your own'
send 200 POST /v1/validation-rules '{"name":"50.00 and more '"$RUN"'","error":{"message":"Add a little more"},
  "rules":{"1":{"name":"order.amount","conditions":{"$more_than_or_equal":[5000]},"rules":{}},"logic":"1"}}'
RULE=$(sed -n 's/^{"id":"\([^"]*\)".*/\1/p' "$ANSWER")
send 200 POST "/v1/validation-rules/$RULE/assignments" \
    '{"related_object_type":"voucher","related_object_id":"TEN-'"$RUN"'"}'
send 400 POST /v1/redemptions '{"redeemables":[{"object":"voucher","id":"TEN-'"$RUN"'"}],"order":{"amount":4999}}'
says 'Add a little more'

step 'Switch off; clear up'
send 200 POST "/v1/vouchers/TEN-$RUN/disable"
send 200 POST /v1/validations "{$CODE}"
says '"key":"voucher_disabled"'
send 202 DELETE "/v1/campaigns/Ten%20off%20$RUN"
send 202 DELETE "/v1/campaigns/Big%20baskets%20$RUN"
send 204 DELETE "/v1/vouchers/CARD-$RUN"

step 'What strangers get'
request 401 GET /v1/vouchers '' -H "X-App-Id: $APP_ID" -H 'X-App-Token: wrong'
request 404 GET "/v1/vouchers/TEN-$RUN" '' -H "X-App-Id: $APP_ID_B" -H "X-App-Token: $APP_TOKEN_B"

printf '\n%s requests, all as promised\n' "$COUNT"
