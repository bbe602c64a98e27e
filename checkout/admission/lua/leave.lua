-- Takes a consumer out of the line. KEYS[1] = the queue's prefix. ARGV: consumer, now (ms), how
--   how: left (told to PostgreSQL by the log), gone (told by the caller), called (he is admitted out of turn)
-- -> {state, number, entered}; state: empty | out | called | none
local p, c, how = KEYS[1], ARGV[1], ARGV[3]
if redis.call('EXISTS', p .. ':gen') == 0 then return {'empty'} end
local number = redis.call('ZSCORE', p .. ':wait', c) or redis.call('HGET', p .. ':stale_number', c)
if not number then
  number = redis.call('ZSCORE', p .. ':called', c)
  return number and {'called', number, redis.call('HGET', p .. ':at', c) or ARGV[2]} or {'none'}
end
local entered = redis.call('HGET', p .. ':at', c) or ARGV[2]
redis.call('ZREM', p .. ':wait', c)
redis.call('ZREM', p .. ':stale', c)
redis.call('HDEL', p .. ':stale_number', c)
redis.call('ZREM', p .. ':seen', c)
if how == 'called' then
  redis.call('ZADD', p .. ':called', number, c)
else
  redis.call('HDEL', p .. ':at', c)
  if how == 'gone' then
    redis.call('HSET', p .. ':gone', c, number)
  else
    redis.call('RPUSH', p .. ':log', 'L|' .. c .. '|' .. number .. '|' .. ARGV[2])
  end
end
return {'out', number, entered}
