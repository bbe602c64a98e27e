import assert from 'node:assert/strict'
import { refused, server } from '../client.mjs'

const { vouchers } = server
const discount = { type: 'PERCENT', percent_off: 10, effect: 'APPLY_TO_ORDER' }

const made = await vouchers.create({
  code: 'TEN/A',
  type: 'DISCOUNT_VOUCHER',
  discount,
  redemption: { quantity: 3 },
  metadata: { team: 'blue' },
})
assert.deepEqual([made.code, made.discount.percent_off, made.redemption.quantity], ['TEN/A', 10, 3])
const random = await vouchers.create({ type: 'DISCOUNT_VOUCHER', discount }) // posts to /v1/vouchers/
assert.ok(random.code)
await refused(vouchers.create({ code: 'TEN/A', type: 'DISCOUNT_VOUCHER', discount }), 409, 'duplicate_found')

assert.equal((await vouchers.get('TEN/A')).id, made.id)
assert.equal((await vouchers.get(made.id)).code, 'TEN/A')
assert.equal((await vouchers.update({ code: 'TEN/A', additional_info: 'note' })).additional_info, 'note')
assert.equal((await vouchers.disable('TEN/A')).active, false)
assert.equal((await vouchers.enable('TEN/A')).active, true)
const listed = await vouchers.list({ code: 'TEN/A', limit: 5 })
assert.deepEqual([listed.vouchers.map((one) => one.id), listed.total], [[made.id], 1])

await vouchers.create({ code: 'CARD', type: 'GIFT_VOUCHER', gift: { amount: 1000 } })
const added = await vouchers.balance.create('CARD', { amount: 500 })
assert.deepEqual([added.balance, added.total, added.type], [1500, 1500, 'gift_voucher'])
const transactions = await vouchers.listTransactions('CARD', { limit: 5 })
assert.equal(transactions.data[0].type, 'CREDITS_ADDITION')

await vouchers.delete('TEN/A', { force: true })
await refused(vouchers.get('TEN/A'), 404, 'not_found')
