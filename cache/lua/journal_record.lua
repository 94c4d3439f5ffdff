-- Compare what was observed with what was stored, and write down what has begun.
--
-- KEYS[1] hash: a name -> its state; under '' what concerns the whole journal: when it was begun
-- KEYS[2] zset: the names by the time at which they were last observed
-- KEYS[3] zset: the ids of the entries by their number
-- KEYS[4] hash: an id -> the entry, { at in ms, when it was acknowledged or 0, onsets left out before it, body }
-- ARGV[1] most entries  [2] how long entries and unobserved names are kept, in ms
--   [3] msgpack: { { name, level, stands, mark, hold in ms, cooldown in ms, past, old, body }, ... }
-- Returns when the journal was begun, the ids of the new entries, how many onsets fell into a cooldown, and
-- the id of the newest entry of all.
--
-- A level is a word, '' for calm. What begins with a level is written down once: at the first
-- observation of it or, with a hold, once it has lasted for so long. A call that is made twice, or by two
-- at once, finds the level stored already. A level that begins in an old observation is stored and not told.

local STATES, SEEN, ORDER, ENTRIES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local most, kept_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local TIME = redis.call('TIME')
local NOW_US = TIME[1] * 1000000 + TIME[2]
local NOW = math.floor(NOW_US / 1000)
-- The rest is left to the next call: Redis serves nobody else meanwhile.
local AT_ONCE = 200
local function number(n) return string.format('%.0f', n) end

local begun = redis.call('HGET', STATES, '')
if not begun then
  begun = number(NOW_US)
  redis.call('HSET', STATES, '', begun)
end
-- An eviction by age begins with what nobody has touched for long.
redis.call('TOUCH', ORDER, ENTRIES)

local added, left_out = {}, 0

-- Numbers rise whatever the clock does, and after a lost memory they go on above what was there.
local newest = redis.call('ZREVRANGE', ORDER, 0, 0, 'WITHSCORES')
local last_number = newest[2] and tonumber(newest[2]) or 0
local function write_down(left_out_before, body)
  last_number = math.max(last_number + 1, NOW_US)
  local id = number(last_number)
  redis.call('ZADD', ORDER, id, id)
  redis.call('HSET', ENTRIES, id, cmsgpack.pack({ NOW, 0, left_out_before, body }))
  added[#added + 1] = id
end

local function judge(name, level, stands, mark, hold, cooldown, past, old, body)
  local packed = redis.call('HGET', STATES, name)
  -- The level (false once it was forgotten), the mark of the last observation, since when, whether its onset
  -- was dealt with, when something was last written down, and how many onsets were left out since.
  local was, at, since, told, last, missed = false, 0, NOW, false, 0, 0
  if packed then was, at, since, told, last, missed = unpack(cmsgpack.unpack(packed)) end
  -- What is told late says nothing about a name of which nothing is known: it starts from now.
  if past == 1 and not was then return end
  redis.call('ZADD', SEEN, NOW, name)
  if mark > 0 and mark <= at then return end
  if was then
    if stands ~= '' and stands == was then level = stands end
    -- A clock that was set back must not make a cooldown longer.
    last = math.min(last, NOW)
    since = math.min(since, NOW)
  else
    -- Nobody knows what was before: without a hold this is where it starts from, and no onset.
    was, since, told = level, NOW, hold == 0
  end
  if level ~= was then was, since, told = level, NOW, old == 1 end
  at = math.max(at, mark)
  if was ~= '' and not told and NOW - since >= hold then
    told = true
    if NOW - last < cooldown then
      missed, left_out = missed + 1, left_out + 1
    else
      write_down(missed, body)
      last, missed = NOW, 0
    end
  end
  local now_packed = cmsgpack.pack({ was, at, since, told, last, missed })
  if now_packed ~= packed then redis.call('HSET', STATES, name, now_packed) end
end
for _, one in ipairs(cmsgpack.unpack(ARGV[3])) do judge(unpack(one)) end

local function drop(ids)
  for _, id in ipairs(ids) do
    redis.call('ZREM', ORDER, id)
    redis.call('HDEL', ENTRIES, id)
  end
end
local too_old = number(NOW_US - kept_ms * 1000)
drop(redis.call('ZRANGEBYSCORE', ORDER, '-inf', too_old, 'LIMIT', 0, AT_ONCE))
local over = math.min(redis.call('ZCARD', ORDER) - most, AT_ONCE)
if over > 0 then drop(redis.call('ZRANGE', ORDER, 0, over - 1)) end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', SEEN, '-inf', NOW - kept_ms, 'LIMIT', 0, AT_ONCE)) do
  redis.call('ZREM', SEEN, name)
  redis.call('HDEL', STATES, name)
end
local last = redis.call('ZREVRANGE', ORDER, 0, 0)
return { begun, added, left_out, last[1] or '' }
