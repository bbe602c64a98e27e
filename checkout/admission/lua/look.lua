-- Tells a consumer's place and notes that he is there. KEYS[1] = the queue's prefix. ARGV: consumer, now (ms)
-- -> {state, number, people ahead, entered, waiting, last tick}; state: empty | waiting | called | gone | none
local p, c, now = KEYS[1], ARGV[1], ARGV[2]
local wait = p .. ':wait'
if redis.call('EXISTS', p .. ':gen') == 0 then return {'empty'} end
local rank = redis.call('ZRANK', wait, c)
if not rank then
  local number = redis.call('ZSCORE', p .. ':called', c)
  if number then return {'called', number} end
  -- Skipped while he was away: his number was kept, and puts him where he belongs.
  number = redis.call('HGET', p .. ':stale_number', c)
  if not number then
    number = redis.call('HGET', p .. ':gone', c)
    if number then return {'gone', number} end
    return {'none', 0, redis.call('GET', p .. ':gen')}
  end
  redis.call('ZREM', p .. ':stale', c)
  redis.call('HDEL', p .. ':stale_number', c)
  redis.call('ZADD', wait, number, c)
  rank = redis.call('ZRANK', wait, c)
end
if rank < tonumber(redis.call('GET', p .. ':near') or '50') then redis.call('ZADD', p .. ':seen', now, c) end
return {'waiting', redis.call('ZSCORE', wait, c), rank, redis.call('HGET', p .. ':at', c) or now,
        redis.call('ZCARD', wait), redis.call('GET', p .. ':ticked') or '0',
        redis.call('GET', p .. ':gen'), redis.call('GET', p .. ':lately') or '0'}
