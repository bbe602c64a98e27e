import assert from 'node:assert/strict'
import { covered, refused, server } from '../client.mjs'

const rules = server.validationRules
const { PROMOTION_ID } = process.env

const made = await rules.create({
  name: 'Big orders',
  error: { message: 'Buy more' },
  rules: { 1: { name: 'order.amount', conditions: { $more_than: [10000] }, rules: {} }, logic: '1' },
})
assert.match(made.id, /^val_/)
assert.equal((await rules.get(made.id)).error.message, 'Buy more')
assert.equal((await rules.update({ ...made, name: 'Bigger' })).name, 'Bigger')
assert.equal((await rules.list({ limit: 10 })).total, 1)
await refused(rules.create({ name: 'x', rules: { 1: { name: 'no.such', conditions: {} } } }), 400, 'invalid_validation_rules')

const assigned = await rules.createAssignment(made.id, { campaign: PROMOTION_ID })
assert.deepEqual([assigned.rule_id, assigned.related_object_id], [made.id, PROMOTION_ID])
const again = rules.createAssignment(made.id, { related_object_type: 'campaign', related_object_id: PROMOTION_ID })
assert.equal((await refused(again, 409, 'duplicate_found')).resource_id, assigned.id)
assert.equal((await rules.listAssignments(made.id)).data[0].id, assigned.id)
assert.equal((await rules.listRulesAssignments({ related_object_id: PROMOTION_ID })).total, 1)
await rules.deleteAssignment(made.id, assigned.id)
assert.equal((await rules.listAssignments(made.id)).total, 0)
const tried = await rules.validate(made.id, { order: { amount: 1 }, customer: { source_id: 'ann' } })
assert.deepEqual([typeof tried.valid, tried.rule_id, tried.applicable_to.object], ['boolean', made.id, 'list'])
await rules.delete(made.id)
await refused(rules.get(made.id), 404, 'not_found')

// With everything that can be said.
const full = await rules.create({
  name: 'Gold, or a big order of tea',
  type: 'complex',
  context_type: 'voucher.discount.apply_to_order',
  rules: {
    1: { name: 'customer.metadata', property: 'level', conditions: { $is: ['gold'] }, rules: {}, error: { message: 'Gold only' } },
    2: {
      name: 'order.items.any',
      conditions: { $is: [{ id: 'prod_1', object: 'product' }] },
      rules: { 1: { name: 'order.items.aggregated_quantity', conditions: { $more_than_or_equal: [4] }, rules: {} }, logic: '1' },
    },
    logic: '1 or 2',
  },
  applicable_to: { included: [{ object: 'product', id: 'prod_1', effect: 'APPLY_TO_EVERY' }], excluded: [], included_all: false },
})
assert.deepEqual([full.rules.logic, full.applicable_to.included.length], ['1 or 2', 1])
const voucher = await server.vouchers.create({ type: 'DISCOUNT_VOUCHER', discount: { type: 'PERCENT', percent_off: 5 } })
const bound = await rules.createAssignment(full.id, { voucher: voucher.code })
assert.equal(bound.related_object_type, 'voucher')
const refusal = await server.validations.validateVoucher(voucher.code, { order: { amount: 1000 }, customer: { source_id: 'x' } })
assert.deepEqual([refusal.valid, refusal.error.key], [false, 'customer_rules_violated'])
const listed = await rules.listRulesAssignments({ rule: full.id, page: 1, limit: 1, order: '-created_at' })
assert.deepEqual(listed.data.map((one) => one.id), [bound.id])
assert.equal((await rules.listAssignments(full.id, { limit: 1, page: 2 })).data.length, 0)
assert.equal((await rules.list({ limit: 1, page: 2 })).data.length, 0)

covered('server.validationRules')
