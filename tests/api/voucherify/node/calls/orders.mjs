import assert from 'node:assert/strict'
import { covered, refused, server } from '../client.mjs'

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

// With everything that can be said.
await server.products.create({ source_id: 'tea', name: 'Tea', price: 300 })
await server.products.createSku('tea', { source_id: 'tea-green', sku: 'Green', price: 350 })
const full = await orders.create({
  source_id: 'o/2 of 3',
  status: 'PAID',
  customer: { source_id: 'ann' },
  referrer: { source_id: 'bob', name: 'Bob' },
  items: [
    { source_id: 'tea-green', related_object: 'sku', quantity: 2, metadata: { gift: true } },
    { product_id: (await server.products.get('tea')).id, quantity: 1 },
    { product: { name: 'Loose' }, quantity: 1, price: 10 },
  ],
  metadata: { till: 4 },
})
assert.deepEqual([full.amount, full.items.length, full.metadata.till], [1010, 3, 4])
assert.equal(full.referrer_id, (await server.customers.get('bob')).id)
const changed = await orders.update({ source_id: 'o/2 of 3', items: [{ source_id: 'tea', related_object: 'product', quantity: 1 }] })
assert.deepEqual([changed.id, changed.amount, changed.status], [full.id, 300, 'PAID'])
assert.equal((await orders.list({ limit: 1, page: 2 })).orders[0].id, made.id)
const redeemed = await server.vouchers.create({ type: 'DISCOUNT_VOUCHER', discount: { type: 'AMOUNT', amount_off: 100 } })
const paid = await server.redemptions.redeem(redeemed.code, { order: { id: full.id } })
assert.deepEqual([paid.order.id, paid.order.total_amount], [full.id, 200])

covered('server.orders', 'import')
