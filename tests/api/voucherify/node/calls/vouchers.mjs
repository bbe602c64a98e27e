import assert from 'node:assert/strict'
import { covered, refused, server } from '../client.mjs'

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

// With everything that can be said.
await server.validations.validateVoucher('CARD', { order: { amount: 10 }, gift: { credits: 10 }, session: { type: 'LOCK', key: 'a/b' } })
await vouchers.releaseValidationSession('CARD', 'a/b')
await refused(vouchers.releaseValidationSession('CARD', 'a/b'), 404, 'not_found')
const full = await vouchers.create({
  code_config: { length: 5, prefix: 'V-', charset: 'AB' },
  type: 'DISCOUNT_VOUCHER',
  discount: { type: 'AMOUNT', amount_off: 1000, effect: 'APPLY_TO_ITEMS_PROPORTIONALLY' },
  start_date: '2026-01-01',
  expiration_date: '2999-01-01T00:00:00Z',
  validity_hours: { daily: [{ start_time: '08:00', expiration_time: '18:00', days_of_week: [1, 2] }] },
  active: false,
  additional_info: 'for friends',
})
assert.match(full.code, /^V-[AB]{5}$/)
assert.deepEqual([full.active, full.validity_hours.daily[0].days_of_week], [false, [1, 2]])
const changed = await vouchers.update({ code: full.code, expiration_date: null, validity_hours: null, metadata: { a: 1 } })
assert.deepEqual([changed.expiration_date, changed.validity_hours, changed.metadata], [null, null, { a: 1 }])
const narrowed = await vouchers.list({
  limit: 1,
  page: 1,
  order: '-updated_at',
  created_at: { after: '2020-01-01T00:00:00Z' },
  updated_at: { before: '2999-01-01T00:00:00Z' },
  filters: { junction: 'and', code: { conditions: { $starts_with: 'V-' } }, active: { conditions: { $disabled: true } } },
})
assert.deepEqual([narrowed.vouchers.map((one) => one.id), narrowed.total], [[full.id], 1])
const taken = await vouchers.balance.create('CARD', { amount: -200, reason: 'lost', source_id: 's-1' })
assert.deepEqual([taken.amount, taken.balance], [-200, 1300])
const pages = await vouchers.listTransactions('CARD', { limit: 1, order: '-id' })
assert.deepEqual([pages.data[0].reason, pages.has_more], ['lost', true])
await refused(vouchers.balance.create('CARD', { amount: -9999 }), 400, 'invalid_add_balance_params')
await vouchers.delete(full.code)
await refused(vouchers.create({ code: full.code, type: 'DISCOUNT_VOUCHER', discount }), 409, 'duplicate_found')

covered('server.vouchers', 'import', 'bulkUpdate', 'bulkUpdateMetadata', 'importCSV', 'exportTransactions')
covered('server.vouchers.balance')
