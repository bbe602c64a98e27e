import assert from 'node:assert/strict'
import { covered, refused, server } from '../client.mjs'

const { products } = server

const mug = await products.create({ source_id: 'mug', name: 'Mug', price: 1000, attributes: ['color'] })
assert.match(mug.id, /^prod_/)
assert.equal((await products.get('mug')).price, 1000)
assert.equal((await products.update({ id: mug.id, price: 1200 })).price, 1200)
assert.equal((await products.update({ source_id: 'mug', name: 'Cup' })).name, 'Cup')
const listed = await products.list({ limit: 5, page: 1 })
assert.deepEqual([listed.products.map((one) => one.id), listed.total], [[mug.id], 1])

const red = await products.createSku('mug', { source_id: 'mug-red', sku: 'Red', price: 900, attributes: { color: 'red' } })
assert.deepEqual([red.product_id, red.price], [mug.id, 900])
assert.equal((await products.getSku('mug-red')).id, red.id)
assert.equal((await products.updateSku('mug', { id: red.id, price: 950 })).price, 950)
assert.deepEqual((await products.listSkus('mug')).skus.map((one) => one.id), [red.id])
await products.deleteSku('mug', red.id, { force: true })
await refused(products.getSku(red.id), 404, 'not_found')

await products.delete(mug.id, { force: true })
await refused(products.get('mug'), 404, 'not_found')

// With everything that can be said.
const full = await products.create({
  source_id: 'tea/green',
  name: 'Tea',
  price: 300,
  attributes: ['size', 'leaf'],
  metadata: { organic: true },
  image_url: 'https://shop.example/tea.png',
})
assert.deepEqual([full.attributes, full.metadata], [['size', 'leaf'], { organic: true }])
assert.equal((await products.get('tea/green')).id, full.id)
const small = await products.createSku('tea/green', {
  source_id: 'tea/small',
  sku: 'Small',
  price: 200,
  currency: 'EUR',
  attributes: { size: 'S' },
  metadata: { a: 1 },
  image_url: 'https://shop.example/s.png',
})
assert.deepEqual([small.currency, small.metadata], ['EUR', { a: 1 }])
assert.equal((await products.updateSku('tea/green', { source_id: 'tea/small', metadata: { b: 2 } })).metadata.a, 1)
assert.equal((await products.getSku('tea/small')).id, small.id)
assert.deepEqual((await products.get(full.id)).skus.data.map((one) => one.id), [small.id])
assert.deepEqual((await products.list({ page: 2, limit: 1 })).products, [])
await products.delete('tea/green')
await refused(products.getSku('tea/small'), 404, 'not_found')
await refused(products.create({ name: 'x', price: -1 }), 400, 'invalid_payload')

covered('server.products', 'bulkUpdate', 'bulkUpdateMetadata', 'importCSV', 'importSkusCSV')
