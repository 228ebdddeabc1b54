-- parameters: owner milliseconds
-- Locks the free customers, and extends the locks that the owner holds.
-- KEYS: the customers' locks. Reply: the positions in KEYS of the locks that the owner now holds.

local held = {}
for place, key in ipairs(KEYS) do
  if redis.call('SET', key, arg.owner, 'NX', 'PX', arg.milliseconds) then
    table.insert(held, place)
  elseif redis.call('GET', key) == arg.owner then
    redis.call('PEXPIRE', key, arg.milliseconds)
    table.insert(held, place)
  end
end
return held
