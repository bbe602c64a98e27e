-- Drops what was copied from the log, if nobody else has. KEYS[1] = the queue's prefix. ARGV: first line copied, how many
if redis.call('LINDEX', KEYS[1] .. ':log', 0) ~= ARGV[1] then return 0 end
redis.call('LTRIM', KEYS[1] .. ':log', ARGV[2], -1)
return 1
