-- Store a batch: fence, number, write, register with the inputs, tell everybody. One step.
--
-- ARGV[4] origin  [5] life of a dependents set in ms  [6] msgpack: for each item
--     { text, flags, lifetime in ms, token (0 = not fenced itself), pinned version (0 = number it
--       now), { input's text, version it was read at, next input's text, ... },
--       1 if its kind gathers parts and outlives their removal }
--   [7..] the rest of each item's envelope, in the same order ('' = too large for this tier)
-- Returns { previous, version, one verdict for each item }.

local FRESH, STALE, SKIPPED, TOO_LARGE = 0, 1, 2, 3
local CHUNK = 1000
local origin, life_ms, items = ARGV[4], ARGV[5], cmsgpack.unpack(ARGV[6])
local floor = tonumber(meta[4])
local previous = next_version()

-- Asked for once each: a batch has few inputs and many items.
local fences, children = {}, {}

local function fenced(text, baseline, pinned)
  -- What was written while we were away is younger than the memory that we lost.
  if baseline < floor and pinned == 0 then return true end
  local fence = fences[text]
  if fence == nil then
    fence = tonumber(redis.call('ZSCORE', FENCES, text) or 0)
    fences[text] = fence
  end
  return fence > baseline
end

local function removed(text, baseline)
  local removal = redis.call('ZSCORE', REMOVED, text)
  return removal and tonumber(removal) > baseline
end

local answer, texts, versions = { previous, version }, {}, {}
local any_pinned = false
for position, item in ipairs(items) do
  local text, flags, ttl, token, pinned, inputs, gathers = unpack(item)
  local rest = ARGV[6 + position]
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
    -- Below the floor nobody would believe it: then it is numbered now, like any other.
    own, any_pinned = pinned < floor and version or pinned, true
    if fenced(text, pinned, pinned) then stale, verdict = true, STALE end
  end
  if gone then
    verdict = SKIPPED
  elseif stale or pinned ~= 0 then
    -- Never over something better: a newer write, or one that is not expired.
    local there, version_there = head_of(text)
    if there and (version_there > (pinned ~= 0 and pinned or version) or (stale and pinned == 0 and there % 2 ~= EXPIRED)) then
      verdict = SKIPPED
    end
  end

  if verdict ~= SKIPPED then
    if rest == '' then
      verdict = TOO_LARGE
      redis.call('DEL', entry_key(text))
    else
      local mark = stale and EXPIRED or 0
      redis.call('SET', entry_key(text), struct.pack(HEAD, MAGIC, flags + mark, own) .. rest, 'PX', number(ttl))
    end
    for i = 1, #inputs, 2 do
      local own_children = children[inputs[i]] or {}
      children[inputs[i]] = own_children
      own_children[#own_children + 1] = number(NOW_MS + ttl)
      own_children[#own_children + 1] = text
    end
    texts[#texts + 1] = text
    versions[#versions + 1] = own
  end
  answer[#answer + 1] = verdict
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
announce(previous, 'put', origin, texts, any_pinned and versions or {})
return answer
