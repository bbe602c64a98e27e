-- Notes whose device and network a consumer enters from. KEYS[1] = the queue's prefix.
-- ARGV: consumer, most kept per mark, days it is kept (ms), then per mark: name, accounts allowed (-1: any)
-- -> per mark: {accounts, 1 where this consumer is new, all of them as ",1,2,"}; or {'capped', name}: nothing is noted
local key, c = KEYS[1] .. ':marks', ',' .. ARGV[1] .. ','
local found = {}
for at = 4, #ARGV, 2 do
  local known = redis.call('HGET', key, ARGV[at]) or ','
  local _, count = known:gsub('%d+', '')
  local new = not known:find(c, 1, true)
  local most = tonumber(ARGV[at + 1])
  if new and most >= 0 and count >= most then return {'capped', ARGV[at]} end
  found[#found + 1] = {ARGV[at], known, count, new}
end
local answer = {}
for _, one in ipairs(found) do
  local name, known, count, new = unpack(one)
  if new and count < tonumber(ARGV[2]) then
    known, count = known .. ARGV[1] .. ',', count + 1
    redis.call('HSET', key, name, known)
  end
  answer[#answer + 1] = {count, new and 1 or 0, known}
end
redis.call('PEXPIRE', key, ARGV[3])
return answer
