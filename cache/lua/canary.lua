-- A process's own voice, to be heard by itself. It carries the version, so that every listener
-- notices a lost message within a second even when nobody writes.
--
-- ARGV[6] what it said
-- Returns the server's time in microseconds.
announce(version, 'canary', ARGV[4], {}, { tonumber(ARGV[6]) })
return NOW_US
