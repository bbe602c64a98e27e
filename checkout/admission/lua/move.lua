-- Puts who waits behind everybody, with the next number. KEYS[1] = the queue's prefix.
-- ARGV: consumer, now (ms), last number leased
-- -> {state, number, people ahead, entered, waiting, last tick}; state: empty | lease | waiting | called | none
local p, c, now = KEYS[1], ARGV[1], ARGV[2]
local wait = p .. ':wait'
if redis.call('EXISTS', p .. ':gen') == 0 then return {'empty'} end
if not (redis.call('ZSCORE', wait, c) or redis.call('HGET', p .. ':stale_number', c)) then
  local number = redis.call('ZSCORE', p .. ':called', c)
  return number and {'called', number} or {'none', 0, redis.call('GET', p .. ':gen')}
end
if tonumber(redis.call('GET', p .. ':seq') or '0') >= tonumber(ARGV[3]) then return {'lease'} end
local number = redis.call('INCR', p .. ':seq')
local entered = redis.call('HGET', p .. ':at', c) or now
redis.call('ZREM', p .. ':stale', c)
redis.call('HDEL', p .. ':stale_number', c)
redis.call('ZREM', p .. ':seen', c)
redis.call('ZADD', wait, number, c)
redis.call('HSET', p .. ':at', c, entered)
-- PostgreSQL is told by the caller; should he die before, the log tells it.
redis.call('RPUSH', p .. ':log', 'E|' .. c .. '|' .. number .. '|' .. entered)
return {'waiting', number, redis.call('ZRANK', wait, c), entered, redis.call('ZCARD', wait),
        redis.call('GET', p .. ':ticked') or '0', redis.call('GET', p .. ':gen'),
        redis.call('GET', p .. ':lately') or '0'}
