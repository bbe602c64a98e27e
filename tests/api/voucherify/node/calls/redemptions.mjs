import assert from 'node:assert/strict'
import { covered, page, refused, server } from '../client.mjs'

const { CODE, GIFT } = process.env // 10 % off, twice; a gift card of 5000
const { redemptions } = server
const order = { amount: 10000 }
const customer = { source_id: 'ann', name: 'Ann' }

const done = await redemptions.redeemStackable({
  redeemables: [{ object: 'voucher', id: GIFT, gift: { credits: 1500 } }, { object: 'voucher', id: CODE }],
  order,
  customer,
})
assert.equal(done.redemptions.length, 2)
assert.deepEqual([done.order.total_discount_amount, done.order.status], [2350, 'PAID'])
assert.equal(done.redemptions[0].voucher.gift.balance, 3500)

assert.equal((await redemptions.get(done.redemptions[0].id)).amount, 1500)
const listed = await redemptions.list({ limit: 10, filters: { voucher_code: { conditions: { $is: [CODE] } } } })
assert.equal(listed.redemptions[0].voucher.code, CODE)
assert.equal((await redemptions.getForVoucher(CODE)).redeemed_quantity, 1)

await refused(redemptions.rollback(done.redemptions[0].id, 'no'), 400, 'invalid_redemption_parent')
const undone = await redemptions.rollbackStackable(done.parent_redemption.id, {}, { reason: 'sent back' })
assert.equal(undone.rollbacks.length, 2)
await refused(redemptions.rollbackStackable(done.parent_redemption.id), 400, 'already_rolled_back')
assert.equal((await redemptions.getForVoucher(CODE)).redeemed_quantity, 0)

const single = await page.redeemStackable({ redeemables: [{ object: 'voucher', id: CODE }], order, customer })
const rolledBack = await redemptions.rollback(single.redemptions[0].id, { reason: 'sent back', tracking_id: 't-1' })
assert.equal(rolledBack.result, 'SUCCESS')
const failure = await refused(
  redemptions.redeemStackable({ redeemables: [{ object: 'voucher', id: 'NOBODY' }] }),
  404,
  'not_found',
)
assert.equal(failure.resource_type, 'redemption')

const lone = await redemptions.redeem(CODE, { order, customer, metadata: { till: 4 } })
assert.deepEqual([lone.result, lone.order.total_amount, lone.voucher.code, lone.metadata.till], ['SUCCESS', 9000, CODE, 4])
assert.equal((await page.redeem(CODE, { order, customer })).result, 'SUCCESS')
await refused(redemptions.redeem(CODE, { order }), 400, 'quantity_exceeded')
await refused(redemptions.redeem('NOBODY'), 404, 'not_found')

// With everything that can be said.
const discount = { type: 'PERCENT', percent_off: 10 }
const often = await server.vouchers.create({ code: 'OFTEN', type: 'DISCOUNT_VOUCHER', discount })
const whole = await redemptions.redeemStackable({
  options: { expand: ['order', 'redeemable', 'redemption', 'category'] },
  redeemables: [{ object: 'voucher', id: often.id }],
  order: {
    source_id: 'cart-7',
    status: 'FULFILLED',
    items: [{ product: { name: 'Loose', metadata: { x: 1 } }, quantity: 2, price: 500 }],
    metadata: { shop: 'web' },
  },
  customer: { source_id: 'bob', name: 'Bob', email: 'bob@example.com', phone: '+47', address: { city: 'Oslo' } },
  tracking_id: 'till-9',
  metadata: { till: 9 },
})
assert.deepEqual([whole.order.status, whole.order.total_amount, whole.order.items.length], ['FULFILLED', 900, 1])
assert.equal((await server.customers.get('bob')).address.city, 'Oslo')
const bob = { customer: 'bob', campaign: undefined, result: 'SUCCESS', limit: 1, page: 1 }
const dates = { created_at: { after: '2020-01-01T00:00:00Z', before: '2999-01-01' } }
assert.deepEqual((await redemptions.list({ ...bob, ...dates })).redemptions.map((one) => one.id), [whole.redemptions[0].id])
const both = { junction: 'or', failure_code: { conditions: { $is: 'not_found' } }, customer_id: { conditions: { $in: ['x'] } } }
assert.equal((await redemptions.list({ filters: both })).redemptions[0].failure_code, 'not_found')
await refused(redemptions.rollback(whole.redemptions[0].id, { customer: { source_id: 'ann' } }), 400, 'invalid_customer')
const undoing = { reason: 'late', tracking_id: 'till-9', customer: { source_id: 'bob' }, order: { source_id: 'cart-7' } }
assert.equal((await redemptions.rollback(whole.redemptions[0].id, { ...undoing, metadata: { why: 1 } })).reason, 'late')
const pair = { redeemables: [{ object: 'voucher', id: 'OFTEN' }, { object: 'voucher', id: GIFT, gift: { credits: 100 } }], order }
const two = await redemptions.redeemStackable(pair)
const back = { customer: undefined, order: { id: two.order.id }, metadata: { why: 2 } }
const backed = await redemptions.rollbackStackable(two.parent_redemption.id, back, { reason: 'r', tracking_id: 't' })
assert.deepEqual([backed.parent_rollback.reason, backed.order.status], ['r', 'CANCELED'])
assert.equal((await redemptions.getForVoucher('OFTEN')).redemption_entries.length, 4)
const card = await redemptions.redeem(GIFT, { order: { amount: 50 }, gift: { credits: 50 }, session: { key: 'none', type: 'LOCK' } })
assert.deepEqual([card.amount, card.order.total_amount], [50, 0])
await refused(redemptions.get('r_none'), 404, 'not_found')
await refused(redemptions.getForVoucher('NOBODY'), 404, 'not_found')

covered('server.redemptions')
