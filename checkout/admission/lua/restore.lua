-- Puts people back into an emptied line; does nothing once the line is whole. KEYS[1] = the queue's prefix.
-- ARGV: its generation, last number given ('': not the last part), number served last ('': none), consumer, number, entered, ...
local p = KEYS[1]
if redis.call('EXISTS', p .. ':gen') == 1 then return 0 end
local wait, at = {}, {}
for i = 4, #ARGV, 3 do
  wait[#wait + 1], wait[#wait + 2] = ARGV[i + 1], ARGV[i]
  at[#at + 1], at[#at + 2] = ARGV[i], ARGV[i + 2]
end
if #wait > 0 then
  redis.call('ZADD', p .. ':wait', unpack(wait))
  redis.call('HSET', p .. ':at', unpack(at))
end
if ARGV[2] ~= '' then
  redis.call('SET', p .. ':seq', ARGV[2])
  if ARGV[3] ~= '' then redis.call('SET', p .. ':serving', ARGV[3]) end
  redis.call('SET', p .. ':gen', ARGV[1])
end
return 1
