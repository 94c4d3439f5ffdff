-- One bucket for all processes that ask the same server elsewhere: turns, a window, a closure and a
-- circuit. All times are microseconds of this server's clock.
--
-- KEYS[1]  a hash:
--            full_at        when the bucket is full again if nobody takes anything
--            closed_until, word, reason    somebody said so
--            failures       in a row
--            openings       of the circuit since it was closed; 0: it is closed
--            open_until, open_reason
--            trial_by, trial_until         who tries it out, and for how long nobody else does
--            at             when something was last set
-- KEYS[2]  how many calls went out, then the times of the last ones: a ring of 8 bytes each
-- KEYS[3]  a sorted set of the processes lately seen
-- ARGV[1]  what is wanted   [2] who asks
--
-- take, go:  [3] weight and [4] room of the bucket, in microseconds of its flow   [5] longest wait
--            [6] most calls in a window, 0 without one   [7] its length   [8] life of a trial
--            [9] pause before the first turn   [10] process
-- close:     [3] for how long   [4] word   [5] reason
-- failed:    [3] failures that open it   [4] first and [5] longest pause   [6] share of it that counts
--            [7] pause that was asked for   [8] reason
-- answered, dropped: nothing more
--
-- `take` reserves a turn. Who has to wait for it asks to `go` when it has come: what happened meanwhile
-- counts, and so does the moment at which the call really goes out.
--
-- Returns take, go: { "go" | "wait" | "full" | "closed" | "open", microseconds, processes, failures,
-- openings, word, reason }; failed: { openings before, openings after, microseconds until it may be asked };
-- answered: { openings before, openings after }.

local BUCKET, SENT, PROCESSES = KEYS[1], KEYS[2], KEYS[3]
local OP, BY = ARGV[1], ARGV[2]
local KEEP_MS = 4 * 86400000
local SEEN_WITHIN_US = 30000000
local HINT_US = 1000000
local TIME = redis.call('TIME')
local NOW = TIME[1] * 1000000 + TIME[2]

local function int(n) return string.format('%.0f', n) end
local function arg(i) return tonumber(ARGV[i]) end

local h = redis.call('HMGET', BUCKET, 'full_at', 'closed_until', 'word', 'reason', 'failures', 'openings',
  'open_until', 'open_reason', 'trial_by', 'trial_until', 'at')
-- A clock that was set back makes nothing longer: all moments move with it.
local set_back = math.max(0, tonumber(h[11] or 0) - NOW)
local function moment(i) return math.max(0, tonumber(h[i] or 0) - set_back) end
local full_at = math.max(NOW, moment(1))
local closed_until, word, reason = moment(2), h[3] or '', h[4] or ''
local failures, openings = tonumber(h[5] or 0), tonumber(h[6] or 0)
local open_until, open_reason = moment(7), h[8] or ''
local trial_by, trial_until = h[9] or '', moment(10)

local function set(...)
  redis.call('HSET', BUCKET, 'at', int(NOW), ...)
  redis.call('PEXPIRE', BUCKET, KEEP_MS)
end
if set_back > 0 then
  set('full_at', int(full_at), 'closed_until', int(closed_until), 'open_until', int(open_until),
    'trial_until', int(trial_until))
end

local function close_circuit()
  redis.call('HDEL', BUCKET, 'failures', 'openings', 'open_until', 'open_reason', 'trial_by', 'trial_until')
end

if OP == 'close' then
  local until_us = NOW + arg(3)
  if until_us > closed_until then
    -- The bucket is full then, but for those who have a turn still later.
    set('closed_until', int(until_us), 'word', ARGV[4], 'reason', ARGV[5], 'full_at', int(math.max(full_at, until_us)))
  end
  return { 'closed' }
end

if OP == 'failed' then
  if openings > 0 and trial_by ~= BY then return { openings, openings, math.max(0, open_until - NOW) } end
  if openings == 0 and failures + 1 < arg(3) then
    set('failures', int(failures + 1))
    return { 0, 0, 0 }
  end
  local pause = math.min(arg(5), arg(4) * 2 ^ math.min(openings, 30)) * arg(6)
  pause = math.ceil(math.max(pause, arg(7)))
  set('failures', int(failures + 1), 'openings', int(openings + 1), 'open_until', int(NOW + pause),
    'open_reason', ARGV[8], 'trial_by', '', 'trial_until', '0')
  return { openings, openings + 1, pause }
end

if OP == 'answered' then
  if openings > 0 and trial_by ~= BY then return { openings, openings } end
  close_circuit()
  return { openings, 0 }
end

if OP == 'dropped' then
  if trial_by == BY then set('trial_by', '', 'trial_until', '0') end
  return { openings, openings }
end

-- take and go --------------------------------------------------------------------------------------

local WEIGHT, ROOM, PATIENCE = arg(3), arg(4), arg(5)
local REQUESTS, WINDOW, TRIAL, PAUSE = arg(6), arg(7), arg(8), arg(9)
local processes = 0

local function told(state, us, its_word, its_reason)
  return { state, math.ceil(us), processes, failures, openings, its_word or '', its_reason or '' }
end

-- For how long the circuit keeps this one out. A trial may consist of several calls.
local function refused_us()
  if openings == 0 or trial_by == BY then return 0 end
  if NOW < open_until then return open_until - NOW end
  return math.min(HINT_US, math.max(0, trial_until - NOW))
end

-- How long the window has no room for a call that goes out now. Where it has, the call is counted.
local function window_us()
  if REQUESTS == 0 then return 0 end
  local head = redis.call('GETRANGE', SENT, 0, 7)
  local sent = #head == 8 and struct.unpack('>I8', head) or 0
  local place = 8 + sent % REQUESTS * 8
  local oldest = redis.call('GETRANGE', SENT, place, place + 7)
  local wait = #oldest == 8 and struct.unpack('>I8', oldest) + WINDOW - NOW or 0
  -- More than the window: that call is of the future, for the clock was set back. The turns go on.
  if wait > 0 and wait <= WINDOW then return wait end
  redis.call('SETRANGE', SENT, place, struct.pack('>I8', NOW))
  redis.call('SETRANGE', SENT, 0, struct.pack('>I8', sent + 1))
  redis.call('PEXPIRE', SENT, math.ceil(WINDOW / 1000) + 1000)
  return 0
end

-- Out it goes, or the window makes it wait on, or for so long that its turn is given back.
local function departure()
  local wait = window_us()
  if wait > PATIENCE then
    set('full_at', int(full_at - WEIGHT))
    -- Who does not go tries nothing out.
    if openings > 0 then set('trial_by', '', 'trial_until', '0') end
    return told('full', wait)
  end
  return told(wait > 0 and 'wait' or 'go', wait)
end

if OP == 'take' then
  redis.call('ZADD', PROCESSES, int(NOW), ARGV[10])
  redis.call('ZREMRANGEBYSCORE', PROCESSES, '-inf', int(NOW - SEEN_WITHIN_US))
  redis.call('PEXPIRE', PROCESSES, SEEN_WITHIN_US / 1000)
  processes = redis.call('ZCARD', PROCESSES)
  if PAUSE > 0 then
    full_at = math.max(full_at, NOW + PAUSE + ROOM)
    set('full_at', int(full_at))
  end
end
-- Who is told that it is open does not wait. So that comes first, unless it is closed for much longer.
local refused = refused_us()
if refused > 0 and closed_until <= NOW + refused + HINT_US then return told('open', refused, '', open_reason) end
if NOW < closed_until then return told('closed', closed_until - NOW, word, reason) end
if OP == 'go' then return departure() end

-- Who weighs more than the bucket holds goes when it is full, on credit.
local wait = math.max(0, math.min(WEIGHT, ROOM) - (ROOM - (full_at - NOW)))
if wait > PATIENCE then return told('full', wait) end
full_at = full_at + WEIGHT
set('full_at', int(full_at))
if openings > 0 then set('trial_by', BY, 'trial_until', int(NOW + TRIAL)) end
if wait > 0 then return told('wait', wait) end
return departure()
