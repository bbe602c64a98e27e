import assert from 'node:assert/strict'
import { refused, server } from '../client.mjs'

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
