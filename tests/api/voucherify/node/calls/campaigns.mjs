import assert from 'node:assert/strict'
import { covered, refused, server } from '../client.mjs'

const { asyncActions, campaigns, categories } = server
const discount = { type: 'AMOUNT', amount_off: 500, effect: 'APPLY_TO_ORDER' }

const category = await categories.create({ name: 'Seasonal', hierarchy: 2 })
assert.equal((await categories.get(category.id)).name, 'Seasonal')
assert.equal((await categories.update(category.id, { name: 'Seasons', hierarchy: 3 })).hierarchy, 3)
assert.equal((await categories.list()).data.length, 1)

const made = await campaigns.create({
  name: 'Autumn sale',
  campaign_type: 'DISCOUNT_COUPONS',
  type: 'STATIC',
  category_id: category.id,
  voucher: { type: 'DISCOUNT_VOUCHER', discount, redemption: { quantity: 1 }, code_config: { prefix: 'AUT-' } },
})
assert.match(made.id, /^camp_/)
await refused(campaigns.create({ name: 'Autumn sale', voucher: { type: 'DISCOUNT_VOUCHER', discount } }), 409, 'duplicate_found')
assert.equal((await campaigns.get('Autumn sale')).id, made.id)
assert.equal((await campaigns.update(made.id, { description: 'Leaves fall' })).description, 'Leaves fall')

assert.match((await campaigns.addVoucher('Autumn sale')).code, /^AUT-/)
assert.equal((await campaigns.addCertainVoucher(made.id, 'MINE')).campaign_id, made.id)
await refused(campaigns.addCertainVoucher(made.id, 'MINE'), 409, 'duplicate_found')
const many = await campaigns.addVoucher(made.id, {}, { vouchers_count: 25 })
const action = await asyncActions.get(many.async_action_id)
assert.deepEqual([action.status, action.operation_status, action.result.done_count], ['DONE', 'SUCCESS', 25])
assert.equal((await asyncActions.list({ limit: 5 })).async_actions[0].id, action.id)
assert.equal((await server.vouchers.list({ campaign: 'Autumn sale', limit: 5 })).total, 27)

await campaigns.disable(made.id)
assert.equal((await campaigns.get(made.id)).active, false)
await campaigns.enable(made.id)
const found = await campaigns.list({ limit: 10, campaign_type: 'DISCOUNT_COUPONS' })
assert.ok(found.campaigns.some((one) => one.id === made.id))

const gone = await campaigns.delete(made.id, { force: true })
assert.match(gone.async_action_id, /^aa_/)
await refused(campaigns.get(made.id), 404, 'not_found')
await categories.delete(category.id)
await refused(categories.get(category.id), 404, 'not_found')

// With everything that can be said.
const full = await campaigns.create({
  name: 'Full & more / 50%',
  description: 'All of it',
  campaign_type: 'DISCOUNT_COUPONS',
  type: 'AUTO_UPDATE',
  start_date: '2026-01-01T00:00:00Z',
  expiration_date: '2999-01-01T00:00:00.000+02:00',
  validity_timeframe: { interval: 'P2D', duration: 'P1D' },
  validity_day_of_week: [1, 2, 3],
  activity_duration_after_publishing: 'P24D',
  join_once: true,
  metadata: { season: 'spring' },
  vouchers_count: 1,
  voucher: {
    type: 'DISCOUNT_VOUCHER',
    discount: { type: 'PERCENT', percent_off: 12.5, amount_limit: 900, effect: 'APPLY_TO_ORDER' },
    redemption: { quantity: null },
    code_config: { length: 6, charset: 'ABC123', prefix: 'F-', postfix: '-F', pattern: null },
  },
})
assert.deepEqual([full.vouchers_count, full.expiration_date], [1, '2998-12-31T22:00:00.000Z'])
assert.equal((await campaigns.get('Full & more / 50%')).voucher.discount.percent_off, 12.5)
const less = await campaigns.update('Full & more / 50%', { expiration_date: null, metadata: { year: 2026 } })
assert.deepEqual([less.expiration_date, less.metadata], [null, { season: 'spring', year: 2026 }])
const own = { additional_info: 'mine', redemption: { quantity: 9 }, metadata: { till: 1 }, category: null }
assert.equal((await campaigns.addCertainVoucher(full.id, 'A/B C', own)).redemption.quantity, 9)
const body = { code_config: { prefix: 'X-', length: 5 }, metadata: { till: 2 } }
assert.match((await campaigns.addVoucher(full.id, body, { vouchers_count: 1 })).code, /^X-.{5}-F$/)
const narrowed = await campaigns.list({
  limit: 1,
  page: 1,
  filters: {
    junction: 'and',
    validity_day_of_week: { conditions: { $is: [3, 6] } },
    type: { conditions: { $in: ['BULK'] } },
    active: { conditions: { $active: '' } },
    status: { conditions: { $active: true } },
    start_date: { conditions: { $more_than: 1 } },
    campaigns: { conditions: { $contains: '50%', $starts_with: 'Full' } },
  },
})
assert.deepEqual([narrowed.campaigns.map((one) => one.id), narrowed.total], [[full.id], 1])
await refused(campaigns.list({ filters: { nonsense: { conditions: { $is: [1] } } } }), 400, 'invalid_query_params')
assert.equal((await asyncActions.list({ end_date: '2020-01-01T00:00:00Z' })).async_actions.length, 0)
const loyal = { name: 'Club', campaign_type: 'LOYALTY_PROGRAM', voucher: { type: 'LOYALTY_CARD', loyalty_card: { points: 5 } } }
assert.equal((await campaigns.create(loyal)).voucher.loyalty_card.points, 5)
await refused(campaigns.create({ name: 'No discount', voucher: { type: 'DISCOUNT_VOUCHER' } }), 400, 'invalid_campaign')

covered('server.campaigns', 'importVouchers', 'importVouchersCSV')
covered('server.asyncActions')
covered('server.categories')
