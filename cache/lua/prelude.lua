-- Put before every other file here: the order of all things, and how entries are named.
--
-- KEYS[1]  the hash `{prefix}:meta`: version, incarnation, generation, floor
-- ARGV[1]  the base `{prefix}`: every key begins with it, so that a cluster keeps them in one slot
-- ARGV[2]  the highest version that the caller ever heard from this server
-- ARGV[3]  the highest version that the caller knows of at all (it may have numbered some itself)
-- ARGV[4]  the caller
-- ARGV[5]  until when the caller waits, in microseconds of this server's clock, or ''
--
-- A call that a frozen server finds in its socket when it is thawed was given up long ago, and what
-- it wanted was done otherwise since: it must not be done now.
--
-- The version is a counter that never runs behind the microseconds of the clock. So it continues
-- above everything older even if the server has lost its memory.

local META, BASE = KEYS[1], ARGV[1]
local HEARD, SEEN = tonumber(ARGV[2]), tonumber(ARGV[3])
local TIME = redis.call('TIME')
local NOW_US = TIME[1] * 1000000 + TIME[2]
local NOW_MS = math.floor(NOW_US / 1000)
if ARGV[5] ~= '' and NOW_US > tonumber(ARGV[5]) then
  return redis.error_reply('LATE ' .. string.format('%.0f', NOW_US))
end
local CHANNEL = BASE .. ':changes'
local FENCES, REMOVED, LATE = BASE .. ':fences', BASE .. ':removed', BASE .. ':late'
local HEAD = '>BBI8'
local MAGIC, EXPIRED = 168, 1

local function number(n) return string.format('%.0f', n) end
local ENTRY, DEPENDENTS = BASE .. ':e:', BASE .. ':d:'
local function entry_key(text) return ENTRY .. text end
local function dependents_key(text) return DEPENDENTS .. text end

local meta = redis.call('HMGET', META, 'version', 'incarnation', 'generation', 'floor')
local version = meta[1] and tonumber(meta[1])
if not version or version < HEARD then
  -- Empty, or back with an older memory: fences are lost, so nothing older than now counts as
  -- fresh (floor), and what Memcached holds is out of reach (generation).
  version = math.max(NOW_US, HEARD, SEEN) + 1
  local v = number(version)
  redis.call('HSET', META, 'version', v, 'incarnation', v, 'generation', v, 'floor', v)
  meta = { v, v, v, v }
end

local function next_version()
  local previous = version
  version = math.max(version + 1, SEEN + 1, NOW_US)
  redis.call('HSET', META, 'version', number(version))
  return previous
end

local function announce_as(previous, own, reason, origin, texts, versions)
  redis.call('PUBLISH', CHANNEL, cmsgpack.pack({ previous, own, reason, origin, texts, versions }))
end

local function announce(previous, reason, origin, texts, versions)
  announce_as(previous, version, reason, origin, texts, versions)
end

-- Flags and version of a stored entry, or nil. Only its head is read.
local function head_of(text)
  local head = redis.call('GETRANGE', entry_key(text), 0, 9)
  if #head < 10 then return nil end
  local magic, flags, at = struct.unpack(HEAD, head)
  if magic ~= MAGIC then return nil end
  return flags, at
end
