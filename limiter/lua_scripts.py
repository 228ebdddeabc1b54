"""The Lua scripts that change an account's limits in one step, each a single round trip.

They share one hash, `KEYS[1]`; every time in it is in microseconds of the server's clock:

- `rate`: calls a minute set at run time; absent: the setting's.
- `last`: the time of the newest granted slot on the even grid of the rate. It may lie behind by what the
  burst allows, and ahead by what has been reserved. A preferred call starts before its place on the grid, by what is
  kept of the burst for such: so it need not wait for the calls reserved before it, and moves those behind it.
- `closed_until`, `closings` (in a row), `why`: the account's closing; no answer since, while closings > 0.
- `era`: counts closings for ever, so that a late answer to an old call is known for one.
- `probe_at`: when the next probe may be granted, while closings > 0.
- `failures`: calls in a row, over all workers, without a readable answer.

The ceiling's fields are told of in `adaptive_rate`. A field that is absent is 0, so a hash of an older version
serves on.
"""

from limiter.adaptive_rate import CEILING

KEPT_SECONDS = 0.35
"""So much of a burst, which is a second's worth of calls, is kept for preferred calls."""

_READ = """
local limits = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stored, changed, found = {}, {}, redis.call('HGETALL', limits)
for place = 1, #found, 2 do stored[found[place]] = found[place + 1] end
local function read(field) return tonumber(stored[field] or 0) end
local function write_text(field, text) stored[field], changed[field] = text, true end
-- Lua would write a time of 16 digits with 14 of them.
local function write(field, number, form) write_text(field, string.format(form or '%.0f', number)) end
local function forget(...)
  for _, field in ipairs({...}) do stored[field], changed[field] = nil, nil end
  redis.call('HDEL', limits, ...)
end
local function save()
  local fields = {}
  for field in pairs(changed) do
    table.insert(fields, field)
    table.insert(fields, stored[field])
  end
  if #fields > 0 then redis.call('HSET', limits, unpack(fields)) end
end
"""

# ARGV[1] of each script with it: the setting's rate. The reply's last three: what there is to tell of the ceiling
# (0 nothing, 1 lowered, 2 gone), which one caller is told, the ceiling in calls a minute, why it was lowered.
_WITH_CEILING = (
    _READ
    + """
local rate = tonumber(stored.rate or ARGV[1])
"""
    + CEILING
    + """
local function reply(...)
  save()
  local parts = {...}
  for _, part in ipairs({news, math.floor(ceiling), stored.ceiling_why or ''}) do table.insert(parts, part) end
  return parts
end
local function hear_from(place)
  local told = {}
  for offset = 0, 4 do told[offset] = tonumber(ARGV[place + offset]) end
  hear(told[0], told[1], told[2], told[3], told[4])
end
"""
)

# ARGV: the setting's rate, slots wanted, longest delay in microseconds, 1 for preferred calls, then what has come of
# earlier calls: how often the ceiling had been lowered when they were granted, answered, failed, timed answers, their
# microseconds. What is kept of a burst and what unused time gives are one burst together, so that no window holds more.
# Reply: granted, microseconds to the grid point before the first slot (may be negative), interval,
# microseconds until a further slot, closings, failures, era, the new `last`, how often it was lowered.
RESERVE = (
    _WITH_CEILING
    + f"""
local KEPT = {KEPT_SECONDS * 1_000_000:.0f}
"""
    + """
local count, within, preferred = math.max(0, tonumber(ARGV[2])), tonumber(ARGV[3]), ARGV[4] == '1'
hear_from(5)
local closings, failures, era = read('closings'), read('failures'), read('era')
local opens = math.max(read('closed_until'), read('probe_at'))
if opens > now then
  return reply(0, 0, 0, opens - now, closings, failures, era, 0, read('lowered'))
end
if closings > 0 then count = math.min(count, 1) end
local limit, interval, last, early = allowed(), 0, now, 0
if limit > 0 then
  interval = math.ceil(60000000 / limit)
  local burst = math.max(1, math.floor(limit / 60)) * interval
  local kept = math.min(KEPT, burst - interval)
  if preferred then early = kept end
  last = math.max(read('last'), now - (burst - kept))
  count = math.min(count, math.max(0, math.floor((now + within + early - last) / interval)))
  if count > 0 then write('last', last + count * interval) end
end
if count > 0 then count_granted(count) end
local ahead = last - early - now
local further = math.max(0, ahead + (count + 1) * interval)
if closings > 0 and count > 0 then
  further = math.max(0, ahead + interval) + 1000000
  write('probe_at', now + further)
end
local mark = last + count * interval
return reply(count, ahead, interval, further, closings, failures, era, mark, read('lowered'))
"""
)

# ARGV: `last` as the reservation left it, microseconds to go back.
# Only what nobody has reserved behind can go back, or two calls could get one place on the grid.
GIVE_BACK = (
    _READ
    + """
if read('last') == tonumber(ARGV[1]) then write('last', ARGV[1] - ARGV[2]) end
save()
"""
)

# ARGV: the setting's rate, microseconds, why, era of the call that was answered so (-1: unknown, lowers all
# the same; -2: never lower).
# Reply: microseconds the account is now closed.
# Many calls in flight may tell of one closing: only the first of them counts. Where the account was open until
# now, the ceiling is lowered far, for the time after the closing; a call of before an earlier one lowers nothing.
CLOSE = (
    _WITH_CEILING
    + """
local before, after, era = read('closed_until'), now + ARGV[2], tonumber(ARGV[4])
if before <= now then
  if read('closings') == 0 and (era == -1 or era == read('era')) then lower(AFTER_CLOSING, 0, ARGV[3]) end
  write('closings', read('closings') + 1)
  write('era', read('era') + 1)
  forget('failures')
end
if after <= before then return reply(before - now) end
write('closed_until', after)
write_text('why', ARGV[3])
return reply(after - now)
"""
)

# ARGV: the setting's rate, answered, failed, failure threshold, era of the calls, then what has come of calls as for
# RESERVE. Reply: 1 when the account is to be closed (told to one worker only), failures in a row, closings in a row.
NOTE = (
    _WITH_CEILING
    + """
local answered, failed, threshold = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local closings = read('closings')
hear_from(6)
if read('era') ~= tonumber(ARGV[5]) then return reply(0, read('failures'), closings) end
if answered > 0 then
  forget('closings', 'why', 'probe_at', 'failures')
  return reply(0, 0, 0)
end
local failures = read('failures') + failed
if failed > 0 and (closings > 0 or failures >= threshold) then
  forget('failures')
  return reply(1, failures, closings)
end
write('failures', failures)
return reply(0, failures, closings)
"""
)

# ARGV: calls a minute, or '' for the setting's. It is for now the operator who says how many calls are right, so the
# ceiling goes, and calls under way are not held against the new rate; but the time after a closing stays gentle.
SET_RATE = (
    _READ
    + """
if ARGV[1] == '' then forget('rate') else write_text('rate', ARGV[1]) end
if read('closings') == 0 then
  forget('ceiling', 'ceiling_why', 'ceiling_since', 'before', 'base', 'calm', 'grown_at', 'trouble')
  write('lowered', read('lowered') + 1)
end
save()
"""
)

# ARGV: the setting's rate. Reply: rate, 1 when it was set at run time, microseconds closed, closings,
# failures, why, the ceiling in calls a minute (0: none), why it was lowered, for how many microseconds there is one.
STATE = (
    _READ
    + """
local rate, ceiling = tonumber(stored.rate or ARGV[1]), math.floor(read('ceiling'))
if rate > 0 and ceiling >= rate then ceiling = 0 end
local closed = math.max(0, read('closed_until') - now)
return {
  rate, stored.rate and 1 or 0, closed, read('closings'), read('failures'), stored.why or '',
  ceiling, stored.ceiling_why or '', now - read('ceiling_since'),
}
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
