-- Expire or remove keys and everything derived from them, to any depth. One step.
--
-- ARGV[6] how long fences are kept, in ms  [7] 'expire' or 'remove'
--   [8] the version of the invalidation if it was made while we were away, else ''
--   [9] the kinds that a removal of one of their parts only expires, as '|one|other|'  [10..] texts
-- Returns msgpack of { previous, version, { every text touched }, { those of them that were
--   expired by a removal }, { those that were fenced as of when we were away } }.
--
-- An expired entry is not touched: it is stale because its version is below its fence, for every
-- reader knows the fences, or asks for them along with the entry.

local CHUNK = 1000
local FEW = 16
local origin, life_ms, reason, pinned, gathering = ARGV[4], tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]
-- A full server refuses to begin with a write that could need memory, but not to go on with one: so the
-- sweep comes first. An invalidation must be done all the more where memory is short.
local OLDEST = number(NOW_US - life_ms * 1000)
redis.call('ZREMRANGEBYSCORE', FENCES, '-inf', OLDEST)
redis.call('ZREMRANGEBYSCORE', REMOVED, '-inf', OLDEST)
local previous = next_version()
-- One that comes late fences the keys that it names as of then. What is derived from them may have
-- been made since then, from the old value: it is fenced as of now. So is a named one whose present
-- value was computed: nobody knows any more whether what it was computed from was read before or after.
local COMPUTED = 16
local named, as_of_then = 0, {}
local late_fence = pinned ~= '' and tonumber(pinned) or version
local function fence_of(i) return as_of_then[i] and late_fence or version end

-- The closure, nearest first; `touched` doubles as the queue. What gathers the removed, and all
-- that is made of it, comes after all that goes: from number `hard + 1` on, it is only expired.
-- (Counted by hand: to ask a Lua table for its length takes longer than to add to it.)
local touched, count, seen, gatherers, hard = {}, 0, {}, {}, nil
local function visit(text)
  if not seen[text] then
    seen[text] = true
    count = count + 1
    touched[count] = text
  end
end
local function gathers(text)
  return string.find(gathering, '|' .. string.match(text, '^[^|]*') .. '|', 1, true)
end
local function visit_children(names, first, last)
  -- Most have none, and one question tells that of many.
  if redis.call('EXISTS', unpack(names, first, last)) == 0 then return end
  if last - first >= FEW then
    local middle = math.floor((first + last) / 2)
    visit_children(names, first, middle)
    visit_children(names, middle + 1, last)
    return
  end
  for i = first, last do
    local found = redis.call('ZRANGEBYSCORE', names[i], NOW_MS, '+inf')
    for j = 1, #found do
      if reason == 'remove' and not hard and gathers(found[j]) then
        gatherers[#gatherers + 1] = found[j]
      else
        visit(found[j])
      end
    end
  end
end
local at = 1
local function follow()
  while touched[at] do
    local names, last = {}, math.min(count, at + CHUNK - 1)
    for i = at, last do names[i - at + 1] = DEPENDENTS .. touched[i] end
    visit_children(names, 1, last - at + 1)
    at = last + 1
  end
end
for i = 10, #ARGV do visit(ARGV[i]) end
if pinned ~= '' then
  named = count
  for i = 1, named do
    local flags, version_there = head_of(touched[i])
    local computed = flags and version_there >= late_fence and flags % (2 * COMPUTED) >= COMPUTED
    as_of_then[i] = not computed
  end
end
follow()
hard = count
for _, text in ipairs(gatherers) do visit(text) end
follow()

-- Fences only ever rise, and are dropped when every entry that they could concern has died.
local now_text, late_text = number(version), number(late_fence)
local function raise(key, last)
  for from = 1, last, CHUNK do
    local pairs_, n = {}, 0
    for i = from, math.min(from + CHUNK - 1, last) do
      pairs_[n + 1] = as_of_then[i] and late_text or now_text
      pairs_[n + 2] = touched[i]
      n = n + 2
    end
    redis.call('ZADD', key, 'GT', unpack(pairs_, 1, n))
  end
end
raise(FENCES, count)

local function forget(first, last)
  local names = {}
  for i = first, last do names[#names + 1] = entry_key(touched[i]) end
  redis.call('UNLINK', unpack(names))
end
if reason == 'remove' then
  raise(REMOVED, hard)
  if pinned == '' then
    for from = 1, hard, CHUNK do forget(from, math.min(from + CHUNK - 1, hard)) end
  else
    -- It comes late: what was written since then stays.
    for i = 1, hard do
      local _, version_there = head_of(touched[i])
      if version_there and version_there < fence_of(i) then forget(i, i) end
    end
  end
end

-- One that comes late has an old version: who asks for what is new would not be told of it.
if pinned ~= '' then
  for i = 1, named do
    redis.call('ZADD', LATE, now_text, reason .. '|' .. pinned .. '|' .. touched[i])
  end
  redis.call('ZREMRANGEBYSCORE', LATE, '-inf', OLDEST)
end

local gone, softened, fences = touched, {}, {}
if hard < count and reason == 'remove' then
  gone = {}
  for i = 1, count do
    local list = i > hard and softened or gone
    list[#list + 1] = touched[i]
  end
end
if named > 0 then
  for i = 1, #gone do fences[i] = fence_of(i) end
end
-- Told first and under the version before: whoever has heard this version has heard of both.
if #softened > 0 then announce_as(previous, previous, 'expire', origin, softened, { version }) end
announce(previous, reason, origin, gone, fences)
local then_fenced = {}
for i = 1, named do
  if as_of_then[i] then then_fenced[#then_fenced + 1] = touched[i] end
end
return cmsgpack.pack({ previous, version, touched, softened, then_fenced })
