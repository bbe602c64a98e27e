-- Lets the next one lead. KEYS[1] = the queue's prefix. ARGV: name of the caller, now (ms)
if redis.call('GET', KEYS[1] .. ':leader') == ARGV[1] then redis.call('DEL', KEYS[1] .. ':leader') end
if redis.call('EXISTS', KEYS[1] .. ':gen') == 1 then redis.call('SET', KEYS[1] .. ':ticked', ARGV[2]) end
return 1
