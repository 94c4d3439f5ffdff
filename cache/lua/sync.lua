-- What a process must know before it believes this server: the order's state, and the fences
-- raised since the version it last heard (newest first, bounded).
--
-- ARGV[4] origin  [5] most fences wanted  [6] '1' to raise the generation of the Memcached keys
-- Returns { version, incarnation, generation, floor, fences, removals }, both flat lists of text, version.

local origin, most = ARGV[4], ARGV[5]
if ARGV[6] == '1' then
  local previous = next_version()
  redis.call('HSET', META, 'generation', number(version))
  meta[3] = number(version)
  announce(previous, 'generation', origin, {}, { version })
end
local since = '(' .. number(HEARD)
local function newest(key)
  return redis.call('ZREVRANGEBYSCORE', key, '+inf', since, 'WITHSCORES', 'LIMIT', 0, most)
end
return { version, tonumber(meta[2]), tonumber(meta[3]), tonumber(meta[4]), newest(FENCES), newest(REMOVED) }
