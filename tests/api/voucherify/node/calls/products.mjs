import assert from 'node:assert/strict'
import { refused, server } from '../client.mjs'

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
