-- parameters: owner
-- Releases the locks that the owner still holds. KEYS: the customers' locks.

for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == arg.owner then redis.call('DEL', key) end
end
