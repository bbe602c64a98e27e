// The official client with the credential of the test, checks of refusals, and of which of its methods were called.
import assert from 'node:assert/strict'
import sdk from '@voucherify/sdk'

const { BASE_URL, APP_ID, APP_TOKEN, CLIENT_ID, CLIENT_TOKEN } = process.env
const called = new Set()

export const server = noted('server', sdk.VoucherifyServerSide({ apiUrl: BASE_URL, applicationId: APP_ID, secretKey: APP_TOKEN }))

export const page = noted(
  'page',
  sdk.VoucherifyClientSide({
    apiUrl: BASE_URL,
    clientApplicationId: CLIENT_ID,
    clientSecretKey: CLIENT_TOKEN,
    origin: 'https://shop.example',
  }),
)

export async function refused(call, code, key) {
  const error = await call.then(
    () => assert.fail(`expected ${code} ${key}, but the call succeeded`),
    (problem) => problem,
  )
  assert.deepEqual([error.code, error.key], [code, key], error.stack)
  assert.ok(error.request_id, 'an error names its request')
  return error
}

// Every method of a part of the client was called here, except those whose addresses are not served.
export function covered(path, ...elsewhere) {
  const part = path.split('.').reduce((owner, name) => owner[name], { server, page })
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(part)).filter((name) => name !== 'constructor')
  const missed = methods.filter((name) => !called.has(`${path}.${name}`))
  assert.deepEqual(missed.sort(), elsewhere.sort(), `methods of ${path} that were not called`)
  console.log(`covered ${methods.length - missed.length} methods of ${path}`)
}

function noted(path, part) {
  return new Proxy(part, {
    get(owner, name) {
      const value = owner[name]
      if (typeof value === 'function') {
        return (...args) => {
          called.add(`${path}.${name}`)
          return value.apply(owner, args)
        }
      }
      const resource = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== Object.prototype
      return resource || path === 'server' ? noted(`${path}.${name}`, value) : value
    },
  })
}
