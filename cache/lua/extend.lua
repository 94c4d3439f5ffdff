-- The heartbeat: lengthen a lease if it is still ours.
--
-- KEYS[1] the lease  ARGV[1] token  [2] life in ms
-- Returns 1 if it was.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
