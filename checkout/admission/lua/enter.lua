-- Gives a consumer a place. KEYS[1] = the queue's prefix.
-- ARGV: consumer, now (ms), most waiting (-1: any), number he already has ('': the next), last number leased,
--       number with which he went through before and may come again ('': none), when he entered (ms)
-- -> {state, number, people ahead, entered, waiting, last tick}; state: empty | same | called | gone | full | lease | new
local p, c, now = KEYS[1], ARGV[1], ARGV[2]
local wait = p .. ':wait'
if redis.call('EXISTS', p .. ':gen') == 0 then return {'empty'} end
local ticked = redis.call('GET', p .. ':ticked') or '0'

local function place(state)
  if redis.call('ZRANK', wait, c) < tonumber(redis.call('GET', p .. ':near') or '50') then
    redis.call('ZADD', p .. ':seen', now, c)
  end
  return {state, redis.call('ZSCORE', wait, c), redis.call('ZRANK', wait, c), redis.call('HGET', p .. ':at', c) or now,
          redis.call('ZCARD', wait), ticked, redis.call('GET', p .. ':gen'), redis.call('GET', p .. ':lately') or '0'}
end

if redis.call('ZSCORE', wait, c) then return place('same') end
local number = redis.call('ZSCORE', p .. ':called', c)
if number then return {'called', number} end
number = redis.call('HGET', p .. ':stale_number', c)
if number then
  redis.call('ZREM', p .. ':stale', c)
  redis.call('HDEL', p .. ':stale_number', c)
  redis.call('ZADD', wait, number, c)
  return place('same')
end
local gone = redis.call('HGET', p .. ':gone', c)
if gone and gone ~= ARGV[6] then return {'gone', gone} end
local most = tonumber(ARGV[3])
if most >= 0 and redis.call('ZCARD', wait) >= most then return {'full'} end
number = ARGV[4]
if number == '' then
  if tonumber(redis.call('GET', p .. ':seq') or '0') >= tonumber(ARGV[5]) then return {'lease'} end
  number = redis.call('INCR', p .. ':seq')
end
redis.call('ZADD', wait, number, c)
redis.call('HSET', p .. ':at', c, ARGV[7])
if gone then redis.call('HDEL', p .. ':gone', c) end
redis.call('RPUSH', p .. ':log', 'E|' .. c .. '|' .. number .. '|' .. ARGV[7])
return place('new')
