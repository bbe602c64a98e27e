-- Ends a tick: the written are gone from the line, the others are back in it. KEYS[1] = the queue's prefix.
-- ARGV: now (ms), fence, number of the written, consumer..., then the consumers to put back
local p = KEYS[1]
if tonumber(ARGV[2]) < tonumber(redis.call('GET', p .. ':fence') or '0') then return 'fenced' end
local written = tonumber(ARGV[3])
local serving = tonumber(redis.call('GET', p .. ':serving'))
local done = 0
for i = 4, #ARGV do
  local c = ARGV[i]
  local number = redis.call('ZSCORE', p .. ':called', c)
  if number then
    redis.call('ZREM', p .. ':called', c)
    if i < 4 + written then
      redis.call('HSET', p .. ':gone', c, number)
      redis.call('HDEL', p .. ':at', c)
      done = done + 1
      if not serving or tonumber(number) > serving then serving = tonumber(number) end
    else
      redis.call('ZADD', p .. ':wait', number, c)
    end
  end
end
if serving then redis.call('SET', p .. ':serving', string.format('%.0f', serving)) end
local bucket = math.floor(tonumber(ARGV[1]) / 10000)
if done > 0 then redis.call('HINCRBY', p .. ':pace', bucket, done) end
local sum = 0
for _, old in ipairs(redis.call('HKEYS', p .. ':pace')) do
  if tonumber(old) <= bucket - 18 then
    redis.call('HDEL', p .. ':pace', old)
  else
    sum = sum + tonumber(redis.call('HGET', p .. ':pace', old))
  end
end
redis.call('SET', p .. ':lately', sum, 'EX', 180)
redis.call('SET', p .. ':ticked', ARGV[1])
return 'settled'
