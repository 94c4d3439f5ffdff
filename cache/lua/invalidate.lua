-- Expire or remove keys and everything derived from them, to any depth. One step.
--
-- ARGV[4] origin  [5] how long fences are kept, in ms  [6] 'expire' or 'remove'
--   [7] the version of the invalidation if it was made while we were away, else ''
--   [8] the kinds that a removal of one of their parts only expires, as '|one|other|'  [9..] texts
-- Returns msgpack of { previous, version, { every text touched }, { those of them that were
--   expired by a removal } }.

local CHUNK = 1000
local origin, life_ms, reason, pinned, gathering = ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]
local previous = next_version()
local fence = pinned ~= '' and tonumber(pinned) or version

-- The closure, nearest first; `touched` doubles as the queue. What gathers the removed, and all
-- that is made of it, comes after all that goes: from number `hard + 1` on, it is only expired.
local touched, seen, gatherers, hard = {}, {}, {}, nil
local function visit(text)
  if not seen[text] then
    seen[text] = true
    touched[#touched + 1] = text
  end
end
local function gathers(text)
  return string.find(gathering, '|' .. string.match(text, '^[^|]*') .. '|', 1, true)
end
local at = 1
local function follow()
  while touched[at] do
    for _, text in ipairs(redis.call('ZRANGEBYSCORE', dependents_key(touched[at]), NOW_MS, '+inf')) do
      if reason == 'remove' and not hard and gathers(text) then
        gatherers[#gatherers + 1] = text
      else
        visit(text)
      end
    end
    at = at + 1
  end
end
for i = 9, #ARGV do visit(ARGV[i]) end
follow()
hard = #touched
for _, text in ipairs(gatherers) do visit(text) end
follow()

local function reason_of(number_) return number_ > hard and 'expire' or reason end

-- Fences only ever rise, and are dropped when every entry that they could concern has died.
local function raise(key, count)
  for from = 1, count, CHUNK do
    local pairs_ = {}
    for i = from, math.min(from + CHUNK - 1, count) do
      pairs_[#pairs_ + 1] = number(fence)
      pairs_[#pairs_ + 1] = touched[i]
    end
    redis.call('ZADD', key, 'GT', unpack(pairs_))
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', number(NOW_US - life_ms * 1000))
end
raise(FENCES, #touched)
if reason == 'remove' then raise(REMOVED, hard) end

-- One that comes late has an old version: who asks for what is new would not be told of it.
if pinned ~= '' then
  for i, text in ipairs(touched) do
    redis.call('ZADD', LATE, number(version), reason_of(i) .. '|' .. pinned .. '|' .. text)
  end
  redis.call('ZREMRANGEBYSCORE', LATE, '-inf', number(NOW_US - life_ms * 1000))
end

for i, text in ipairs(touched) do
  local flags, version_there = head_of(text)
  if flags and version_there < fence then
    if reason_of(i) == 'remove' then
      redis.call('DEL', entry_key(text))
    elseif flags % 2 ~= EXPIRED then
      redis.call('SETRANGE', entry_key(text), 1, string.char(flags + EXPIRED))
    end
  end
end
local gone, softened = {}, {}
for i, text in ipairs(touched) do
  local list = i > hard and softened or gone
  list[#list + 1] = text
end
-- Told first and under the version before: whoever has heard this version has heard of both.
if #softened > 0 then announce_as(previous, previous, 'expire', origin, softened, { fence }) end
announce(previous, reason, origin, gone, fence ~= version and { fence } or {})
return cmsgpack.pack({ previous, version, touched, softened })
