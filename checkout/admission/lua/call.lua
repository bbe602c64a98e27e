-- Calls the next in line: moves them from :wait to :called, where they stay until the caller has written them down.
-- KEYS[1] = the queue's prefix.
-- ARGV: now (ms), fence, room, rate a minute (-1: any), bucket's most (admissions), most in one call,
--       grace (ms), number kept (ms), most stale to skip, how many count as near the front
-- -> {state, consumer, number, entered, consumer, number, entered, ...}; state: empty | fenced | called
local p, now = KEYS[1], tonumber(ARGV[1])
local wait, called, seen, at = p .. ':wait', p .. ':called', p .. ':seen', p .. ':at'
if redis.call('EXISTS', p .. ':gen') == 0 then return {'empty'} end
if tonumber(ARGV[2]) < tonumber(redis.call('GET', p .. ':fence') or '0') then return {'fenced'} end
redis.call('SET', p .. ':fence', ARGV[2])
local most, rate = tonumber(ARGV[6]), tonumber(ARGV[4])
local out = {'called'}

-- 1. Those called before whose rows were not written: they come first, and cost no new token.
local again = redis.call('ZRANGE', called, 0, most - 1, 'WITHSCORES')
for i = 1, #again, 2 do
  out[#out + 1], out[#out + 2] = again[i], again[i + 1]
  out[#out + 1] = redis.call('HGET', at, again[i]) or ARGV[1]
end
local want = math.min(tonumber(ARGV[3]), most) - #again / 2

-- 2. The bucket, in thousandths of a second times admissions a minute: 60000 buy one admission.
if rate >= 0 then
  local kept = redis.call('HMGET', p .. ':bucket', 'tokens', 'at')
  local full = tonumber(ARGV[5]) * 60000
  local tokens = tonumber(kept[1] or '60000')
  tokens = math.min(full, tokens + math.max(0, now - tonumber(kept[2] or ARGV[1])) * rate)
  want = math.min(want, math.floor(tokens / 60000))
  redis.call('HSET', p .. ':bucket', 'tokens', string.format('%.0f', tokens), 'at', ARGV[1])
end

-- 3. The lowest numbers, without those who were near the front and went silent.
local silent = now - tonumber(ARGV[7])
local skipped, taken, skip_most = 0, 0, tonumber(ARGV[9])
while taken < want and skipped < skip_most do
  local head = redis.call('ZRANGE', wait, 0, math.min(499, want - taken + skip_most - skipped), 'WITHSCORES')
  if #head == 0 then break end
  local names = {}
  for i = 1, #head, 2 do names[#names + 1] = head[i] end
  local last = redis.call('ZMSCORE', seen, unpack(names))
  local off, calls, stales, numbers = {}, {}, {}, {}
  for i, c in ipairs(names) do
    if taken >= want or skipped >= skip_most then break end
    local number = head[2 * i]
    off[#off + 1] = c
    if last[i] and tonumber(last[i]) < silent then
      skipped = skipped + 1
      stales[#stales + 1], stales[#stales + 2] = now + tonumber(ARGV[8]), c
      numbers[#numbers + 1], numbers[#numbers + 2] = c, number
    else
      taken = taken + 1
      calls[#calls + 1], calls[#calls + 2] = number, c
      out[#out + 1], out[#out + 2] = c, number
      out[#out + 1] = redis.call('HGET', at, c) or ARGV[1]
    end
  end
  redis.call('ZREM', wait, unpack(off))
  redis.call('ZREM', seen, unpack(off))
  if #calls > 0 then redis.call('ZADD', called, unpack(calls)) end
  if #stales > 0 then
    redis.call('ZADD', p .. ':stale', unpack(stales))
    redis.call('HSET', p .. ':stale_number', unpack(numbers))
  end
end
if rate >= 0 and taken > 0 then redis.call('HINCRBY', p .. ':bucket', 'tokens', -60000 * taken) end

-- 4. Whoever has come near the front is asked to show himself from now on.
local near = tonumber(ARGV[10])
redis.call('SET', p .. ':near', near)
for from = 0, near - 1, 500 do
  local names = redis.call('ZRANGE', wait, from, math.min(from + 499, near - 1))
  if #names == 0 then break end
  local add = {}
  for _, c in ipairs(names) do add[#add + 1], add[#add + 2] = ARGV[1], c end
  redis.call('ZADD', seen, 'NX', unpack(add))
end

-- 5. Numbers of the silent are kept for a while, then forgotten.
local over = redis.call('ZRANGEBYSCORE', p .. ':stale', '-inf', ARGV[1], 'LIMIT', 0, 500)
for _, c in ipairs(over) do
  local number = redis.call('HGET', p .. ':stale_number', c)
  redis.call('ZREM', p .. ':stale', c)
  redis.call('HDEL', p .. ':stale_number', c)
  redis.call('HDEL', at, c)
  if number then redis.call('RPUSH', p .. ':log', 'L|' .. c .. '|' .. number .. '|' .. ARGV[1]) end
end
return out
