import assert from 'node:assert/strict'
import { covered, page, refused, server } from '../client.mjs'

const { tiers } = server.promotions
const { PROMOTION_ID } = process.env
const discount = { type: 'PERCENT', percent_off: 10, effect: 'APPLY_TO_ORDER' }

const rule = await server.validationRules.create({ name: 'Any order', rules: {} })
const made = await tiers.create(PROMOTION_ID, {
  name: 'Ten off',
  banner: '10 % off',
  action: { discount },
  validation_rules: [rule.id],
})
assert.match(made.id, /^promo_/)
assert.equal(made.validation_rule_assignments.data[0].rule_id, rule.id)
assert.equal((await tiers.get(made.id)).action.discount.percent_off, 10)
assert.equal((await tiers.update({ ...made, name: 'Twenty off' })).name, 'Twenty off')
assert.deepEqual((await tiers.list(PROMOTION_ID)).tiers.map((one) => one.id), [made.id])
const all = await tiers.listAll({ is_available: true, limit: 10 })
assert.deepEqual([all.tiers.length, all.total, all.has_more], [1, 1, false])

const asked = { redeemables: [{ object: 'promotion_tier', id: made.id }], order: { amount: 20000 } }
const verdict = await server.validations.validateStackable(asked)
assert.deepEqual([verdict.valid, verdict.order.total_amount], [true, 18000])
const redeemed = await server.redemptions.redeemStackable(asked)
assert.equal(redeemed.redemptions[0].promotion_tier.id, made.id)
const { summary } = await tiers.get(made.id)
assert.deepEqual([summary.redemptions.total_redeemed, summary.orders.total_discount_amount], [1, 2000])

const found = await server.promotions.validate({ order: { amount: 20000 }, customer: { source_id: 'ann' } })
assert.deepEqual([found.valid, found.promotions[0].id, found.promotions[0].discount_amount], [true, made.id, 2000])
assert.equal((await page.validate({ amount: 5000 })).promotions[0].order.total_amount, 4500)
const used = await tiers.redeem(made.id, { order: { amount: 20000 } })
assert.deepEqual([used.result, used.order.total_amount, used.promotion_tier.id], ['SUCCESS', 18000, made.id])

await tiers.delete(made.id)
await refused(tiers.get(made.id), 404, 'not_found')
assert.equal((await server.redemptions.get(redeemed.redemptions[0].id)).related_object_id, made.id)

// With everything that can be said.
const promotion = await server.promotions.create({
  name: 'Weekend',
  campaign_type: 'PROMOTION',
  start_date: '2026-01-01T00:00:00Z',
  promotion: {
    tiers: [
      { name: 'First', banner: 'one', action: { discount }, hierarchy: 1, metadata: { a: 1 } },
      { name: 'Second', action: { discount: { type: 'AMOUNT', amount_off: 500 } }, hierarchy: 2, active: false },
    ],
  },
})
assert.deepEqual(promotion.promotion.tiers.map((one) => [one.name, one.active]), [['First', true], ['Second', false]])
const [first, second] = promotion.promotion.tiers
assert.deepEqual((await tiers.listAll({ is_available: true, page: 1, limit: 1 })).tiers.map((one) => one.id), [first.id])
const dated = { ...second, hierarchy: 7, start_date: '2026-01-01', validity_day_of_week: [0, 1, 2, 3, 4, 5, 6] }
assert.equal((await tiers.update(dated)).hierarchy, 7)
await refused(tiers.redeem(second.id, { order: { amount: 100 } }), 400, 'promotion_inactive')
const done = await tiers.redeem(first.id, {
  order: { source_id: 'cart-1', amount: 1000, metadata: { shop: 'web' } },
  customer: { source_id: 'ann', email: 'a@example.com' },
  metadata: { till: 4 },
  tracking_id: 'till-4',
})
assert.deepEqual([done.order.source_id, done.metadata.till, done.customer.email], ['cart-1', 4, 'a@example.com'])
await refused(tiers.list('nowhere'), 404, 'not_found')

covered('server.promotions')
covered('server.promotions.tiers')
