-- One process's word on how it is doing, every few seconds: its counters since it started, and the
-- keys that it used most since it last reported.
--
-- KEYS[1] hash: a process's number -> its latest report
-- KEYS[2] zset: the same numbers by the time of that report
-- KEYS[3] hash: a role -> the sums over its processes that are long gone
-- KEYS[4] set: the roles that have hit lists
-- KEYS[5] zset: the hit list of this role and these ten minutes
-- ARGV[1] the process's number  [2] now, in seconds  [3] msgpack: the report  [4] its role
--   [5] how long all this is kept after the last report, in seconds  [6] most processes remembered
--   [7] the time before which a report is one of a process long gone
--   [8] most keys in a hit list  [9] how long a hit list is kept, in seconds
--   [10] msgpack: { text, uses, text, uses, ... }
-- Returns the numbers of all processes that are remembered.

local REPORTS, SEEN, GONE, ROLES, HITS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local writer, now, role, keep_s = ARGV[1], ARGV[2], ARGV[4], ARGV[5]
-- The rest is left to the next report: Redis serves nobody else meanwhile.
local AT_ONCE = 16

redis.call('HSET', REPORTS, writer, ARGV[3])
redis.call('ZADD', SEEN, now, writer)

-- A process is remembered by itself long after it ended, so that one that was only frozen finds its
-- own report and replaces it. Then it becomes part of its role's sums.
local function add_to_sums(number)
  local report = redis.call('HGET', REPORTS, number)
  if report then
    report = cmsgpack.unpack(report)
    local packed = redis.call('HGET', GONE, report.role)
    local sums = packed and cmsgpack.unpack(packed) or { processes = 0, kinds = {} }
    sums.processes = sums.processes + 1
    for kind, counters in pairs(report.kinds) do
      local sum = sums.kinds[kind] or {}
      for name, count in pairs(counters) do sum[name] = (sum[name] or 0) + count end
      sums.kinds[kind] = sum
    end
    redis.call('HSET', GONE, report.role, cmsgpack.pack(sums))
  end
  redis.call('HDEL', REPORTS, number)
  redis.call('ZREM', SEEN, number)
end
for _, number in ipairs(redis.call('ZRANGEBYSCORE', SEEN, '-inf', ARGV[7], 'LIMIT', 0, AT_ONCE)) do
  add_to_sums(number)
end
local over = math.min(redis.call('ZCARD', SEEN) - tonumber(ARGV[6]), AT_ONCE)
if over > 0 then
  for _, number in ipairs(redis.call('ZRANGE', SEEN, 0, over - 1)) do add_to_sums(number) end
end

local uses = cmsgpack.unpack(ARGV[10])
for i = 1, #uses, 2 do redis.call('ZINCRBY', HITS, uses[i + 1], uses[i]) end
if #uses > 0 then
  redis.call('ZREMRANGEBYRANK', HITS, 0, -1 - tonumber(ARGV[8]))
  redis.call('EXPIRE', HITS, ARGV[9])
  redis.call('SADD', ROLES, role)
end
for i = 1, 4 do redis.call('EXPIRE', KEYS[i], keep_s) end
return redis.call('HKEYS', REPORTS)
