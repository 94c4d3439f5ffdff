-- The heartbeat: lengthen a lease if it is still ours, or take it again if it was lost and is free.
--
-- KEYS[1] the lease  ARGV[1] token  [2] life in ms
-- Returns 1 if it is ours.
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if holder then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
