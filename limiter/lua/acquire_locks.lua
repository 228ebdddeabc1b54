-- parameters: owner milliseconds
-- Locks what is free, and prolongs what the owner holds. KEYS: the customers' locks. Reply: the places now held.

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
