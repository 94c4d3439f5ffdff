-- Give a lease back if it is still ours, and wake those who wait for it.
--
-- KEYS[1] the lease  ARGV[1] token  [2] channel  [3] the message
-- Returns 1 if it was.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return 1
