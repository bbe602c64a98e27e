import assert from 'node:assert/strict'
import { covered, page, refused, server } from '../client.mjs'

const { CODE } = process.env // 10 % off, twice
const ask = (key) => ({
  redeemables: [{ object: 'voucher', id: CODE }],
  order: { amount: 10000 },
  customer: { source_id: 'ann' },
  ...(key && { session: { type: 'LOCK', key, ttl: 15, ttl_unit: 'MINUTES' } }),
})

const first = await server.validations.validateStackable(ask('k1'))
assert.deepEqual([first.valid, first.order.total_amount, first.session.key], [true, 9000, 'k1'])
assert.equal((await server.validations.validateStackable(ask('k2'))).valid, true)
const third = await page.validateStackable(ask('k3'))
assert.equal(third.valid, false)
assert.equal(third.redeemables[0].result.error.key, 'quantity_exceeded')

await server.vouchers.releaseValidationSession(CODE, 'k1')
assert.equal((await page.validateStackable(ask('k3'))).valid, true)
const unknown = await server.validations.validateStackable({ redeemables: [{ object: 'voucher', id: 'NOBODY' }] })
assert.deepEqual([unknown.valid, unknown.redeemables[0].result.error.key], [false, 'not_found'])

// The calls about one voucher. Each key holds one of its two uses.
await server.vouchers.releaseValidationSession(CODE, 'k2')
await server.vouchers.releaseValidationSession(CODE, 'k3')
const lone = await server.validations.validateVoucher(CODE, {
  order: { amount: 10000 },
  session: { type: 'LOCK', key: 'k4' },
})
assert.deepEqual([lone.valid, lone.code, lone.order.total_amount, lone.session.key], [true, CODE, 9000, 'k4'])
assert.equal((await server.validations.validate('NOBODY')).error.key, 'not_found')
page.setIdentity('ann')
const looked = await page.validate({
  code: ` ${CODE}\n`,
  items: [{ product_id: 'prod_x', quantity: 2, price: 2500 }],
  orderMetadata: { shop: 'web' },
  customer: { source_id: 'ann', metadata: { level: 'gold' } },
  session_type: 'LOCK',
  session_key: 'k5',
  session_ttl: 5,
  session_ttl_unit: 'MINUTES',
})
assert.deepEqual([looked.valid, looked.order.total_amount, looked.session.ttl], [true, 4500, 5])
assert.deepEqual(looked.order.metadata, { shop: 'web' })
assert.equal((await page.validate(CODE)).error.key, 'quantity_exceeded')
assert.deepEqual((await page.validate({ amount: 1000 })).promotions, [])

// With everything that can be said.
const whole = await server.validations.validateStackable({
  options: { expand: ['order', 'redeemable', 'category', 'redemption'] },
  redeemables: [{ object: 'voucher', id: process.env.GIFT, gift: { credits: 120 } }],
  order: { items: [{ source_id: 'mug', related_object: 'product', quantity: 2, price: 100, metadata: { x: 1 } }] },
  customer: { id: undefined, source_id: 'ann', metadata: { level: 'gold' } },
  session: { type: 'LOCK', ttl: 90, ttl_unit: 'SECONDS' },
  tracking_id: 'till-4',
  metadata: { till: 4 },
})
assert.deepEqual([whole.valid, whole.order.total_amount, whole.session.ttl_unit], [true, 80, 'SECONDS'])
assert.match(whole.session.key, /^ssn_/)
assert.deepEqual(whole.redeemables[0].result.gift, { balance: 5000, credits: 120 })
const twice = { redeemables: [{ object: 'voucher', id: CODE }, { object: 'voucher', id: CODE }] }
await refused(server.validations.validateStackable(twice), 400, 'duplicated_redeemables')
await refused(server.validations.validateStackable({}), 400, 'invalid_payload')
assert.deepEqual((await server.validations.validate({ order: { amount: 5 }, customer: { source_id: 'ann' } })).promotions, [])
const session = { type: 'LOCK', key: 'k6' }
const used = await page.validateStackable({ redeemables: [{ object: 'voucher', id: process.env.GIFT, gift: { credits: 9 } }], order: { amount: 9 }, session })
assert.equal(used.session.key, 'k6')
const bought = await page.redeemStackable({ redeemables: [{ object: 'voucher', id: process.env.GIFT, gift: { credits: 9 } }], order: { amount: 9 }, session })
assert.deepEqual([bought.redemptions[0].gift.amount, bought.order.total_amount], [9, 0])
await server.vouchers.releaseValidationSession(CODE, 'k5')
assert.equal((await page.redeem(` ${CODE}\t`, { order: { amount: 100, metadata: { shop: 'web' } }, metadata: { till: 1 } })).result, 'SUCCESS')

covered('server.validations')
covered('page', 'publish', 'track', 'listVouchers', 'createCustomer', 'listConsents', 'updateConsents', 'qualifications')
