-- The newest entries of a journal, newest first.
--
-- KEYS[1] zset: the ids by their number  KEYS[2] hash: an id -> the entry
-- ARGV[1] the number below which they are wanted, as ZREVRANGEBYSCORE reads it  [2] most of them
-- Returns { id, entry, id, entry, ... }

local found = {}
for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'LIMIT', 0, ARGV[2])) do
  local entry = redis.call('HGET', KEYS[2], id)
  if entry then
    found[#found + 1] = id
    found[#found + 1] = entry
  end
end
return found
