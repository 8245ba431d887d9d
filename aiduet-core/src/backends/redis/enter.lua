-- Ends running requests, then counts another one if all limits allow one more.
--
-- A running request is a member of the sorted set of each of its limits, with the moment at which it
-- counts as gone, since a node may die before it says so.
--
-- KEYS: the limits to enter. ARGV: the time in milliseconds, or nothing for that of the server; for
-- how many milliseconds a request counts; the request, or nothing; the limits, one for each key; then
-- pairs of a key and a request that has left.
-- Returns 0, or the number of the limit that is full.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local life = tonumber(ARGV[2])
local request = ARGV[3]

for at = 4 + #KEYS, #ARGV, 2 do
  redis.call('ZREM', ARGV[at], ARGV[at + 1])
end
for number, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  local there = redis.call('ZSCORE', key, request)
  if not there and redis.call('ZCARD', key) >= tonumber(ARGV[3 + number]) then
    return number
  end
end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now + life, request)
  redis.call('PEXPIRE', key, life)
end
return 0
