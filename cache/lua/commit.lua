-- Store a batch: fence, number, write, register with the inputs, tell everybody. One step.
--
-- ARGV[4] origin  [5] life of a dependents set in ms  [6] number of items, then for each item
--   text, flags, rest of the envelope ('' = too large for this tier), lifetime in ms,
--   token ('' = not fenced itself), pinned version ('' = number it now),
--   number of inputs, then for each input: its text and the version it was read at
-- Returns { previous, version, one verdict for each item }.

local FRESH, STALE, SKIPPED, TOO_LARGE = 0, 1, 2, 3
local origin, life_ms, count = ARGV[4], ARGV[5], tonumber(ARGV[6])
local floor = tonumber(meta[4])
local at = 7
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
for _ = 1, count do
  local text, flags, rest, ttl = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local token, pinned, inputs = ARGV[at + 4], ARGV[at + 5], tonumber(ARGV[at + 6])
  local first = at + 7
  at = first + 2 * inputs
  local stale, gone = false, false
  if token ~= '' and fenced(text, tonumber(token)) then
    stale, gone = true, removed(text, tonumber(token))
  end
  for i = first, at - 2, 2 do
    local baseline = tonumber(ARGV[i + 1])
    if fenced(ARGV[i], baseline) then
      stale, gone = true, gone or removed(ARGV[i], baseline)
    end
  end

  local own, verdict = version, stale and STALE or FRESH
  if pinned ~= '' then
    own, any_pinned = tonumber(pinned), true
    if fenced(text, own) then stale, verdict = true, STALE end
  end
  if gone then
    verdict = SKIPPED
  elseif stale or pinned ~= '' then
    -- Never over something better: a newer write, or one that is not expired.
    local there, version_there = head_of(text)
    if there and (version_there > own or (stale and pinned == '' and there % 2 ~= EXPIRED)) then
      verdict = SKIPPED
    end
  end

  if verdict ~= SKIPPED then
    if rest == '' then
      verdict = TOO_LARGE
      redis.call('DEL', entry_key(text))
    else
      local mark = stale and EXPIRED or 0
      redis.call('SET', entry_key(text), struct.pack(HEAD, MAGIC, flags + mark, own) .. rest, 'PX', ttl)
    end
    for i = first, at - 2, 2 do
      local key = dependents_key(ARGV[i])
      redis.call('ZADD', key, NOW_MS + tonumber(ttl), text)
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
