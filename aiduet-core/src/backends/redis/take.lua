-- Takes claims from quotas, all or none: the generic cell rate algorithm of ITU-T I.371 with the
-- whole quota as burst.
--
-- A quota is kept as what is taken of it, in units times its period in microseconds, and the moment
-- at which that was so: in these numbers a unit costs the period, and as many come back in each
-- microsecond as the quota has units. So quotas that do not divide their period come out exact.
--
-- KEYS: of the quotas. ARGV: the time in microseconds, or nothing for that of the server; then for
-- each key its units, its period in microseconds, and the cost.
-- Returns, for each key, what is left in units and the microseconds until it is whole; or, if one
-- claim does not fit, its number and the microseconds to wait.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local taken = {}
local result = {}
for number, key in ipairs(KEYS) do
  local units = tonumber(ARGV[number * 3 - 1])
  local period = tonumber(ARGV[number * 3])
  local cost = tonumber(ARGV[number * 3 + 1])
  local whole = units * period

  local level = taken[key] and taken[key].level
  if not level then
    local kept = redis.call('HMGET', key, 'level', 'at')
    level = tonumber(kept[1]) or 0
    local passed = math.min(math.max(now - (tonumber(kept[2]) or now), 0), period)
    level = math.max(level - passed * units, 0)
  end

  if cost > units then
    return {number, string.format('%.0f', period)}
  end
  local after = level + cost * period
  if cost > 0 and after > whole then
    return {number, string.format('%.0f', math.ceil((after - whole) / units))}
  end
  taken[key] = {level = after, life = units > 0 and after / units or 0}
  result[#result + 1] = string.format('%.0f', math.max(math.floor((whole - after) / period), 0))
  result[#result + 1] = string.format('%.0f', math.ceil(taken[key].life))
end

for key, one in pairs(taken) do
  if one.level > 0 then
    redis.call('HSET', key, 'level', string.format('%.0f', one.level), 'at', string.format('%.0f', now))
    redis.call('PEXPIRE', key, math.ceil(one.life / 1000) + 1000)
  end
end
return {0, unpack(result)}
