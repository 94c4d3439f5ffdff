-- Store a batch: fence, number, write, register with the inputs, tell everybody. One step.
--
-- ARGV[4] origin  [5] life of a dependents set in ms  [6] msgpack: for each item
--     { text, flags, lifetime in ms, token (0 = not fenced itself), pinned version (0 = number it
--       now), { input's text, version it was read at, next input's text, ... } }
--   [7..] the rest of each item's envelope, in the same order ('' = too large for this tier)
-- Returns { previous, version, one verdict for each item }.

local FRESH, STALE, SKIPPED, TOO_LARGE = 0, 1, 2, 3
local origin, life_ms, items = ARGV[4], ARGV[5], cmsgpack.unpack(ARGV[6])
local floor = tonumber(meta[4])
local previous = next_version()

local function fenced(text, baseline)
  if baseline < floor then return true end
  local fence = redis.call('ZSCORE', FENCES, text)
  return fence and tonumber(fence) > baseline
end

local function removed(text, baseline)
  local removal = redis.call('ZSCORE', REMOVED, text)
  return removal and tonumber(removal) > baseline
end

local answer, texts, versions = { previous, version }, {}, {}
local any_pinned = false
for position, item in ipairs(items) do
  local text, flags, ttl, token, pinned, inputs = unpack(item)
  local rest = ARGV[6 + position]
  local stale, gone = false, false
  if token ~= 0 and fenced(text, token) then
    stale, gone = true, removed(text, token)
  end
  for i = 1, #inputs, 2 do
    if fenced(inputs[i], inputs[i + 1]) then
      stale, gone = true, gone or removed(inputs[i], inputs[i + 1])
    end
  end

  local own, verdict = version, stale and STALE or FRESH
  if pinned ~= 0 then
    own, any_pinned = pinned, true
    if fenced(text, own) then stale, verdict = true, STALE end
  end
  if gone then
    verdict = SKIPPED
  elseif stale or pinned ~= 0 then
    -- Never over something better: a newer write, or one that is not expired.
    local there, version_there = head_of(text)
    if there and (version_there > own or (stale and pinned == 0 and there % 2 ~= EXPIRED)) then
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
      local key = dependents_key(inputs[i])
      redis.call('ZADD', key, number(NOW_MS + ttl), text)
      redis.call('PEXPIRE', key, life_ms)
      if redis.call('ZCARD', key) > 256 then redis.call('ZREMRANGEBYSCORE', key, '-inf', NOW_MS) end
    end
    texts[#texts + 1] = text
    versions[#versions + 1] = own
  end
  answer[#answer + 1] = verdict
end
announce(previous, 'put', origin, texts, any_pinned and versions or {})
return answer
