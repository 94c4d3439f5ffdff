-- Expire or remove keys and everything derived from them, to any depth. One step.
--
-- ARGV[4] origin  [5] how long fences are kept, in ms  [6] 'expire' or 'remove'
--   [7] the version of the invalidation if it was made while we were away, else ''  [8..] texts
-- Returns msgpack of { previous, version, { every text touched } }.

local CHUNK = 1000
local origin, life_ms, reason, pinned = ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local previous = next_version()
local fence = pinned ~= '' and tonumber(pinned) or version

-- The closure, nearest first; `touched` doubles as the queue.
local touched, seen = {}, {}
local function visit(text)
  if not seen[text] then
    seen[text] = true
    touched[#touched + 1] = text
  end
end
for i = 8, #ARGV do visit(ARGV[i]) end
local at = 1
while touched[at] do
  for _, text in ipairs(redis.call('ZRANGEBYSCORE', dependents_key(touched[at]), NOW_MS, '+inf')) do
    visit(text)
  end
  at = at + 1
end

-- Fences only ever rise, and are dropped when every entry that they could concern has died.
local function raise(key)
  for from = 1, #touched, CHUNK do
    local pairs_ = {}
    for i = from, math.min(from + CHUNK - 1, #touched) do
      pairs_[#pairs_ + 1] = number(fence)
      pairs_[#pairs_ + 1] = touched[i]
    end
    redis.call('ZADD', key, 'GT', unpack(pairs_))
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', number(NOW_US - life_ms * 1000))
end
raise(FENCES)
if reason == 'remove' then raise(REMOVED) end

-- One that comes late has an old version: who asks for what is new would not be told of it.
if pinned ~= '' then
  for _, text in ipairs(touched) do
    redis.call('ZADD', LATE, number(version), reason .. '|' .. pinned .. '|' .. text)
  end
  redis.call('ZREMRANGEBYSCORE', LATE, '-inf', number(NOW_US - life_ms * 1000))
end

for _, text in ipairs(touched) do
  local flags, version_there = head_of(text)
  if flags and version_there < fence then
    if reason == 'remove' then
      redis.call('DEL', entry_key(text))
    elseif flags % 2 ~= EXPIRED then
      redis.call('SETRANGE', entry_key(text), 1, string.char(flags + EXPIRED))
    end
  end
end
announce(previous, reason, origin, touched, fence ~= version and { fence } or {})
return cmsgpack.pack({ previous, version, touched })
