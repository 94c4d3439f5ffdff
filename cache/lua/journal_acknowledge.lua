-- Write down that an entry was acknowledged; the first time counts.
--
-- KEYS[1] hash: an id -> the entry  ARGV[1] the id
-- Returns when it was acknowledged, in ms, and 1 if that is now; nothing for an entry that is not there.

local packed = redis.call('HGET', KEYS[1], ARGV[1])
if not packed then return {} end
local at, acknowledged, left_out_before, body = unpack(cmsgpack.unpack(packed))
if acknowledged > 0 then return { acknowledged, 0 } end
local TIME = redis.call('TIME')
local now = math.floor((TIME[1] * 1000000 + TIME[2]) / 1000)
redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack({ at, now, left_out_before, body }))
return { now, 1 }
