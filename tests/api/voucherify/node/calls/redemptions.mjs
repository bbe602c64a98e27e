import assert from 'node:assert/strict'
import { page, refused, server } from '../client.mjs'

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
