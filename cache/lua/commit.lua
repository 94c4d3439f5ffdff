-- Store a batch: fence, number, write, register with the inputs, tell everybody. One step.
--
-- ARGV[6] life of a dependents set in ms  [7] msgpack: for each item
--     { text, flags, lifetime in ms as text, token (0 = not fenced itself), pinned version (0 =
--       number it now), { input's text, version it was read at, next input's text, ... },
--       1 if its kind gathers parts and outlives their removal, length of the rest of its envelope
--       (0 = too large for this tier) }
--   [8] those rests, one after the other
-- Returns { previous, version, one byte of verdict for each item }.

local FRESH, STALE, SKIPPED, TOO_LARGE = '\0', '\1', '\2', '\3'
local CHUNK = 1000
local origin, life_ms, items, rests = ARGV[4], ARGV[6], cmsgpack.unpack(ARGV[7]), ARGV[8]
local floor = tonumber(meta[4])
local previous = next_version()

-- Asked for once each: a batch has few inputs and many items.
local fences, children, written = {}, {}, {}

local function fence_of(text)
  local fence = fences[text]
  if fence == nil then
    fence = tonumber(redis.call('ZSCORE', FENCES, text) or 0)
    fences[text] = fence
  end
  return fence
end

local function fenced(text, baseline, pinned)
  -- What was written while we were away is younger than the memory that we lost.
  return (baseline < floor and pinned == 0) or fence_of(text) > baseline
end

local function removed(text, baseline)
  local removal = redis.call('ZSCORE', REMOVED, text)
  return removal and tonumber(removal) > baseline
end

local function version_of(text)
  local version_there = written[text]
  if version_there == nil then
    local _, found = head_of(text)
    version_there = found or 0
    written[text] = version_there
  end
  return version_there
end

-- Whether an input was written anew after it was read for this item.
local function outrun(inputs)
  for i = 1, #inputs, 2 do
    if version_of(inputs[i]) > inputs[i + 1] then return true end
  end
  return false
end

-- A born stale entry says so itself: its own version is above its fence.
local heads = {}
local function head(flags, own)
  if own ~= version then return struct.pack(HEAD, MAGIC, flags, own) end
  local packed = heads[flags]
  if not packed then
    packed = struct.pack(HEAD, MAGIC, flags, own)
    heads[flags] = packed
  end
  return packed
end

local verdicts, texts, versions, outdated, outdated_at = {}, {}, {}, {}, {}
local any_pinned, at, count = false, 0, 0
for position, item in ipairs(items) do
  local text, flags, ttl, token, pinned, inputs, gathers, length = unpack(item)
  local rest = string.sub(rests, at + 1, at + length)
  at = at + length
  local stale, gone = false, false
  if token ~= 0 and fenced(text, token, pinned) then
    stale, gone = true, removed(text, token)
  end
  for i = 1, #inputs, 2 do
    if fenced(inputs[i], inputs[i + 1], pinned) then
      stale, gone = true, gone or (gathers == 0 and removed(inputs[i], inputs[i + 1]))
    end
  end

  local own, verdict = version, stale and STALE or FRESH
  if pinned ~= 0 then
    own, any_pinned = pinned, true
    if fenced(text, pinned, pinned) then
      stale, verdict, gone = true, STALE, gone or removed(text, pinned)
    end
    if pinned < floor then
      -- Nobody would believe it below the floor, so it is numbered now; but what would have refused
      -- it as outdated may be just what was lost, so it is not fresh.
      own, stale, verdict = version, true, STALE
    end
  end
  local derived = token ~= 0 and #inputs > 0 and pinned == 0
  if gone then
    verdict = SKIPPED
    -- Its writer was told that it is stored. What is older than that must not come back as fresh.
    if pinned ~= 0 and version_of(text) < pinned then
      redis.call('ZADD', FENCES, 'GT', number(pinned), text)
      outdated[#outdated + 1] = text
      outdated_at[#outdated_at + 1] = pinned
    end
  elseif stale or pinned ~= 0 or derived then
    -- Never over something better: a newer write, one that is not expired, or one that somebody
    -- made meanwhile while our inputs were written anew.
    local there, version_there = head_of(text)
    if there then
      -- Below the floor nobody believes it.
      local good = there % 2 ~= EXPIRED and version_there >= math.max(floor, fence_of(text))
      if
        version_there > (pinned ~= 0 and pinned or version)
        or (good and stale and pinned == 0)
        or (good and derived and version_there > token and outrun(inputs))
      then
        verdict = SKIPPED
      end
    end
  end

  if verdict ~= SKIPPED then
    if length == 0 then
      verdict = TOO_LARGE
      redis.call('DEL', entry_key(text))
    else
      redis.call('SET', ENTRY .. text, head(flags + (stale and EXPIRED or 0), own) .. rest, 'PX', ttl)
    end
    written[text] = own
    for i = 1, #inputs, 2 do
      local own_children = children[inputs[i]] or {}
      children[inputs[i]] = own_children
      own_children[#own_children + 1] = number(NOW_MS + tonumber(ttl))
      own_children[#own_children + 1] = text
    end
    count = count + 1
    texts[count], versions[count] = text, own
  end
  verdicts[position] = verdict
end

-- Whoever expires an input finds what was made of it; those that have died are swept out.
for input, scores_and_texts in pairs(children) do
  local key = dependents_key(input)
  for from = 1, #scores_and_texts, CHUNK do
    redis.call('ZADD', key, unpack(scores_and_texts, from, math.min(from + CHUNK - 1, #scores_and_texts)))
  end
  redis.call('PEXPIRE', key, life_ms)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', NOW_MS)
end
if #outdated > 0 then announce_as(previous, previous, 'expire', origin, outdated, outdated_at) end
announce(previous, 'put', origin, texts, any_pinned and versions or {})
return { previous, version, table.concat(verdicts) }
