-- What everybody may know of the line. KEYS[1] = the queue's prefix. ARGV: now (ms), how many marks
-- -> {state, serving, waiting, called, admitted in the last 3 minutes, last tick, number, ahead, number, ahead, ...}
local p = KEYS[1]
if redis.call('EXISTS', p .. ':gen') == 0 then return {'empty'} end
local since, admitted = math.floor(tonumber(ARGV[1]) / 10000) - 18, 0
local pace = redis.call('HGETALL', p .. ':pace')
for i = 1, #pace, 2 do
  if tonumber(pace[i]) > since then admitted = admitted + tonumber(pace[i + 1]) end
end
local waiting, marks = redis.call('ZCARD', p .. ':wait'), tonumber(ARGV[2])
local out = {'ok', redis.call('GET', p .. ':serving') or '', waiting, redis.call('ZCARD', p .. ':called'), admitted,
             redis.call('GET', p .. ':ticked') or '0'}
local last = -1
for i = 0, marks do
  local rank = math.floor((waiting - 1) * i / marks)
  if waiting > 0 and rank > last then
    last = rank
    out[#out + 1], out[#out + 2] = redis.call('ZRANGE', p .. ':wait', rank, rank, 'WITHSCORES')[2], rank
  end
end
return out
