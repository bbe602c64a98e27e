import assert from 'node:assert/strict'
import { covered, refused, server } from '../client.mjs'

const { customers } = server

const made = await customers.create({
  source_id: 'team a/7',
  name: 'Ann',
  address: { city: 'Oslo' },
  metadata: { vip: true },
})
assert.match(made.id, /^cust_/)
assert.equal(made.summary.redemptions.total_redeemed, 0)
assert.equal((await customers.get('team a/7')).id, made.id)
assert.equal((await customers.update({ id: made.id, name: 'Bea' })).name, 'Bea')
const updated = await customers.update({ source_id: 'team a/7', phone: '+47' })
assert.deepEqual([updated.name, updated.phone, updated.address.city], ['Bea', '+47', 'Oslo'])

for (const name of ['c1', 'c2', 'c3']) await customers.create({ source_id: name, name })
const listed = await customers.list({ limit: 2, order: 'source_id' })
assert.deepEqual([listed.customers.map((one) => one.source_id), listed.total], [['c1', 'c2'], 4])
assert.equal((await customers.list({ name: 'c2' })).customers.length, 1)
assert.equal((await customers.list({ created_at: { after: '2999-01-01T00:00:00Z' } })).customers.length, 0)

for (const order of [undefined, 'created_at']) {
  const met = []
  for await (const one of customers.scroll({ limit: 1, ...(order && { order }) })) met.push(one.source_id)
  assert.deepEqual([met.length, new Set(met).size], [4, 4], `everybody once with order ${order}`)
}

await customers.delete('c3')
await refused(customers.get('c3'), 404, 'not_found')
assert.equal((await customers.deletePermanently(made.id)).status, 'DONE')
await refused(customers.create({ source_id: 'x', name: 7 }), 400, 'invalid_payload')

// With everything that can be said.
const full = await customers.create({
  source_id: 'o’hara+1@example.com',
  name: 'Zoë O’Hara',
  description: 'likes tea',
  email: 'zoe@example.com',
  phone: '+47 22',
  birthdate: '1990-12-31',
  address: { city: 'Oslo', state: 'Oslo', line_1: 'Road 1', line_2: 'c/o Ann', country: 'NO', postal_code: '0150' },
  metadata: { tags: ['a', 'b'], since: '2020-01-01' },
})
assert.deepEqual([full.birthdate, full.address.postal_code, full.metadata.tags], ['1990-12-31', '0150', ['a', 'b']])
assert.equal((await customers.get('o’hara+1@example.com')).id, full.id)
const asked = { email: 'zoe@example.com', city: 'Oslo', limit: 1, page: 1, order: '-created_at' }
const since = { created_at: { after: '2020-01-01T00:00:00Z', before: '2999-01-01' } }
assert.deepEqual((await customers.list({ ...asked, ...since })).customers.map((one) => one.id), [full.id])
assert.equal((await customers.update({ id: full.id, metadata: { tags: null } })).metadata.since, '2020-01-01')
assert.equal((await customers.create({ source_id: 'o’hara+1@example.com', phone: null })).phone, null)

covered(
  'server.customers',
  ...['updateInBulk', 'updateMetadataInBulk', 'importCSV', 'listActivity', 'listActivities', 'listRedeemables'],
  'updateConsents',
)
