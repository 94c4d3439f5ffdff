-- Forget at which level names stand: the next observation of each is where it starts from.
--
-- KEYS[1] hash: a name -> its state  ARGV[1] msgpack: { name, ... }
-- Returns how many had a level to forget.
--
-- What stays is what keeps alerts from being told twice: the mark below which an observation comes too late,
-- and when something was last written down, for the cooldown.

local STATES = KEYS[1]
local forgotten = 0
for _, name in ipairs(cmsgpack.unpack(ARGV[1])) do
  local packed = redis.call('HGET', STATES, name)
  if packed then
    local was, at, since, _, last, missed = unpack(cmsgpack.unpack(packed))
    if was then
      redis.call('HSET', STATES, name, cmsgpack.pack({ false, at, since, false, last, missed }))
      forgotten = forgotten + 1
    end
  end
end
return forgotten
