import assert from 'node:assert/strict'
import { refused, server } from '../client.mjs'

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
