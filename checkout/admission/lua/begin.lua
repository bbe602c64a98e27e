-- Lets one caller at a time tick. KEYS[1] = the queue's prefix. ARGV: now (ms), least time since the last tick (ms),
-- how long nobody else may (ms), name of the caller
-- -> {state, waiting, called, log, stale}; state: empty | early | busy | lead
local p = KEYS[1]
if redis.call('EXISTS', p .. ':gen') == 0 then return {'empty', 0, 0, 0, 0} end
local state = 'lead'
if tonumber(ARGV[1]) - tonumber(redis.call('GET', p .. ':ticked') or '0') < tonumber(ARGV[2]) then
  state = 'early'
elseif not redis.call('SET', p .. ':leader', ARGV[4], 'NX', 'PX', ARGV[3]) then
  state = 'busy'
end
return {state, redis.call('ZCARD', p .. ':wait'), redis.call('ZCARD', p .. ':called'), redis.call('LLEN', p .. ':log'),
        redis.call('ZCARD', p .. ':stale')}
