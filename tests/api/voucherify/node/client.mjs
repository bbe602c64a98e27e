// The official client with the credential of the test, and a check that a call is refused as it should be.
import assert from 'node:assert/strict'
import sdk from '@voucherify/sdk'

const { BASE_URL, APP_ID, APP_TOKEN, CLIENT_ID, CLIENT_TOKEN } = process.env

export const server = sdk.VoucherifyServerSide({ apiUrl: BASE_URL, applicationId: APP_ID, secretKey: APP_TOKEN })

export const page = sdk.VoucherifyClientSide({
  apiUrl: BASE_URL,
  clientApplicationId: CLIENT_ID,
  clientSecretKey: CLIENT_TOKEN,
  origin: 'https://shop.example',
})

export async function refused(call, code, key) {
  const error = await call.then(
    () => assert.fail(`expected ${code} ${key}, but the call succeeded`),
    (problem) => problem,
  )
  assert.deepEqual([error.code, error.key], [code, key], error.stack)
  assert.ok(error.request_id, 'an error names its request')
  return error
}
