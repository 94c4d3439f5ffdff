-- What a process must know before it believes this server: the order's state, and the fences
-- raised since a version (newest first, bounded).
--
-- ARGV[6] most fences wanted  [7] '' or what to abandon:
--   'generation' makes all that Memcached holds unreachable, 'floor' makes all that is stored stale
-- [8] the version since which fences are wanted
-- Returns { version, incarnation, generation, floor, now in microseconds, fences, removals, late }, the
--   last three flat lists of text and version.

local origin, most, abandon = ARGV[4], ARGV[6], ARGV[7]

-- A replica that was promoted, or a server that came back with its disk's memory, may lack the last
-- writes and fences, and whoever comes first raises the version over the gap. Its run id tells.
local server = redis.pcall('INFO', 'server')
local run = type(server) == 'string' and string.match(server, 'run_id:(%x+)')
local known = redis.call('HGET', META, 'run')
if run and run ~= known then
  if known then abandon = 'floor' end
  redis.call('HSET', META, 'run', run)
end

if abandon ~= '' then
  local previous = next_version()
  meta[3] = number(version)
  redis.call('HSET', META, 'generation', meta[3])
  if abandon == 'floor' then
    meta[2], meta[4] = meta[3], meta[3]
    redis.call('HSET', META, 'incarnation', meta[3], 'floor', meta[3])
  end
  announce(previous, 'generation', origin, {}, { version })
end
local since = '(' .. ARGV[8]
local function newest(key)
  return redis.call('ZREVRANGEBYSCORE', key, '+inf', since, 'WITHSCORES', 'LIMIT', 0, most)
end
return {
  version, tonumber(meta[2]), tonumber(meta[3]), tonumber(meta[4]), NOW_US,
  newest(FENCES), newest(REMOVED), newest(LATE),
}
