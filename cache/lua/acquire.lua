-- Take a lease that nobody holds.
--
-- KEYS[1] the lease  ARGV[1] token  [2] life in ms
-- Returns 0 when it is ours, else the milliseconds that the holder's has left.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
return math.max(1, redis.call('PTTL', KEYS[1]))
