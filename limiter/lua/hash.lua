-- Access to hashes: each is read once, and its changes are written in one command.

local SECOND = 1000000
local time = redis.call('TIME')
local now = time[1] * SECOND + time[2]

-- A stored time ends in `_at`, `_until` or `_since`; `last` is the newest slot of the rate.
local function is_time(field)
  return field == 'last' or string.find(field, '_at$') or string.find(field, '_until$')
    or string.find(field, '_since$')
end

-- Opens the hash `key`. An absent or unreadable number is 0, an absent text is ''.
--
-- When the server's clock was set back (a failover, a resumed machine), every stored time would lie
-- in the future. All of them are then moved back too, so that nothing waits for the clock.
local function open(key)
  local stored, changed, removed = {}, {}, {}
  local found = redis.call('HGETALL', key)
  for place = 1, #found, 2 do stored[found[place]] = found[place + 1] end

  local hash = {key = key}
  function hash.number(field) return tonumber(stored[field] or 0) or 0 end
  function hash.text(field) return stored[field] or '' end
  function hash.set_text(field, text)
    stored[field], changed[field], removed[field] = text, true, nil
  end
  -- Lua's own conversion would keep 14 of a time's 16 digits.
  function hash.set(field, number, form)
    hash.set_text(field, string.format(form or '%.0f', number))
  end
  function hash.set_fraction(field, number) hash.set(field, number, '%.6g') end
  function hash.add(field, number)
    if number ~= 0 then hash.set(field, hash.number(field) + number) end
  end
  function hash.forget(...)
    for _, field in ipairs({...}) do
      if stored[field] then stored[field], changed[field], removed[field] = nil, nil, true end
    end
  end
  function hash.is_empty() return next(stored) == nil end
  -- Seconds since a stored time; 0 when it is absent or in the future.
  function hash.since(field)
    return stored[field] and math.max(0, now - hash.number(field)) / SECOND or 0
  end

  function hash.save()
    local gone, fields = {}, {}
    for field in pairs(removed) do table.insert(gone, field) end
    if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
    if next(changed) == nil then return end
    hash.set('seen_at', now)
    for field in pairs(changed) do
      table.insert(fields, field)
      table.insert(fields, stored[field])
    end
    redis.call('HSET', key, unpack(fields))
  end

  local set_back = hash.number('seen_at') - now
  if set_back > SECOND / 10 then
    for field in pairs(stored) do
      if is_time(field) then hash.set(field, hash.number(field) - set_back) end
    end
  elseif hash.number('suspended_until') > now and hash.since('seen_at') >= 1 then
    -- saves once a second how much of the suspension has passed, in case the clock is set back
    hash.set('seen_at', now)
  end
  return hash
end
