import assert from 'node:assert/strict'
import { page, server } from '../client.mjs'

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
