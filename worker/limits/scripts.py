"""The Lua scripts that change an account's limits in one step, each a single round trip.

They share one hash, `KEYS[1]`; every time in it is in microseconds of the server's clock:

- `rate`: calls a minute set at run time; absent: the setting's.
- `last`: the time of the newest granted slot on the even grid of the rate. It may lie behind by what the
  burst allows, and ahead by what has been reserved.
- `closed_until`, `closings` (in a row), `why`: the account's closing; no answer since, while closings > 0.
- `era`: counts closings for ever, so that a late answer to an old call is known for one.
- `probe_at`: when the next probe may be granted, while closings > 0.
- `failures`: calls in a row, over all workers, without a readable answer.
"""

_READ = """
local limits = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function read(field) return tonumber(redis.call('HGET', limits, field) or 0) end
-- Lua would write a time of 16 digits with 14 of them.
local function write(field, number) redis.call('HSET', limits, field, string.format('%.0f', number)) end
"""

# ARGV: slots wanted, longest delay in microseconds, the setting's rate.
# Reply: granted, microseconds to the grid point before the first slot (may be negative), interval,
# microseconds until a further slot, closings, failures, era, the new `last`.
RESERVE = (
    _READ
    + """
local count, within = math.max(0, tonumber(ARGV[1])), tonumber(ARGV[2])
local rate = tonumber(redis.call('HGET', limits, 'rate') or ARGV[3])
local closings, failures, era = read('closings'), read('failures'), read('era')
local opens = math.max(read('closed_until'), read('probe_at'))
if opens > now then
  return {0, 0, 0, opens - now, closings, failures, era, 0}
end
if closings > 0 then count = math.min(count, 1) end
local interval, last = 0, now
if rate > 0 then
  local burst = math.max(1, math.floor(rate / 60))
  interval = math.ceil(60000000 / rate)
  last = math.max(read('last'), now - burst * interval)
  count = math.min(count, math.max(0, math.floor((now + within - last) / interval)))
  if count > 0 then write('last', last + count * interval) end
end
local further = math.max(0, last + (count + 1) * interval - now)
if closings > 0 and count > 0 then
  further = math.max(0, last + interval - now) + 1000000
  write('probe_at', now + further)
end
return {count, last - now, interval, further, closings, failures, era, last + count * interval}
"""
)

# ARGV: `last` as the reservation left it, microseconds to go back.
# Only what nobody has reserved behind can go back, or two calls could get one place on the grid.
GIVE_BACK = (
    _READ
    + """
if read('last') == tonumber(ARGV[1]) then write('last', ARGV[1] - ARGV[2]) end
"""
)

# ARGV: microseconds, why. Reply: microseconds the account is now closed.
# Many calls in flight may tell of one closing: only the first of them counts.
CLOSE = (
    _READ
    + """
local before, after = read('closed_until'), now + ARGV[1]
if before <= now then
  redis.call('HINCRBY', limits, 'closings', 1)
  redis.call('HINCRBY', limits, 'era', 1)
  redis.call('HDEL', limits, 'failures')
end
if after <= before then return before - now end
write('closed_until', after)
redis.call('HSET', limits, 'why', ARGV[2])
return after - now
"""
)

# ARGV: answered, failed, failure threshold, era of the calls. Reply: 1 when the account is to be closed
# (told to one worker only), failures in a row, closings in a row.
NOTE = (
    _READ
    + """
local answered, failed, threshold = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local closings = read('closings')
if read('era') ~= tonumber(ARGV[4]) then return {0, read('failures'), closings} end
if answered > 0 then
  redis.call('HDEL', limits, 'closings', 'why', 'probe_at', 'failures')
  return {0, 0, 0}
end
local failures = read('failures') + failed
if failed > 0 and (closings > 0 or failures >= threshold) then
  redis.call('HDEL', limits, 'failures')
  return {1, failures, closings}
end
write('failures', failures)
return {0, failures, closings}
"""
)

# ARGV: the setting's rate. Reply: rate, 1 when it was set at run time, microseconds closed, closings,
# failures, why.
STATE = (
    _READ
    + """
local rate = redis.call('HGET', limits, 'rate')
local closed = math.max(0, read('closed_until') - now)
local why = redis.call('HGET', limits, 'why') or ''
return {tonumber(rate or ARGV[1]), rate and 1 or 0, closed, read('closings'), read('failures'), why}
"""
)

# KEYS: the customers' locks. ARGV: owner, milliseconds. Reply: the places of the keys now held.
ACQUIRE = """
local held = {}
for place, key in ipairs(KEYS) do
  if redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[2]) then
    table.insert(held, place)
  elseif redis.call('GET', key) == ARGV[1] then
    redis.call('PEXPIRE', key, ARGV[2])
    table.insert(held, place)
  end
end
return held
"""

# KEYS: the customers' locks. ARGV: owner.
RELEASE = """
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
"""
