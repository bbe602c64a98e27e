import assert from 'node:assert/strict'
import { refused, server } from '../client.mjs'

const { orders } = server

const made = await orders.create({
  source_id: 'o-1',
  items: [
    { source_id: 'mug', related_object: 'product', quantity: 2, price: 1000 },
    { product: { source_id: 'cup', name: 'Cup', override: true }, amount: 500 },
  ],
  customer: { source_id: 'ann', name: 'Ann' },
})
assert.deepEqual([made.amount, made.total_amount, made.status], [2500, 2500, 'CREATED'])
assert.equal((await orders.get('o-1')).id, made.id)
assert.equal((await orders.update({ id: made.id, status: 'PAID' })).status, 'PAID')
const listed = await orders.list({ limit: 5, order: '-created_at' })
assert.deepEqual([listed.orders.map((one) => one.id), listed.total], [[made.id], 1])
assert.equal((await server.customers.get('ann')).summary.orders.total_amount, 2500)
assert.equal((await server.products.get('cup')).name, 'Cup')
await refused(orders.get('o-2'), 404, 'not_found')
await refused(orders.create({ amount: 1.5 }), 400, 'invalid_payload')
