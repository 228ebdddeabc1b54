-- uses: hash breaker adaptive
-- parameters: setting_rate adapts
-- reply: ended
--
-- Ends every suspension: an operator has removed the cause.
-- KEYS: account, reads, index of campaigns, campaigns.

rate = tonumber(account.text('rate') ~= '' and account.text('rate') or arg.setting_rate)
adapts = arg.adapts == 1
local ended = 0
if is_suspended(account) then
  make_available(account)
  keep_change('account', 'available', '', '')
  begin_ramp()
  ended = ended + 1
end
for place = 2, #KEYS do
  if place ~= 3 then
    local breaker = open(KEYS[place])
    if is_suspended(breaker) then
      make_available(breaker)
      keep_change(place == 2 and 'reads' or 'campaign', 'available', '',
        string.match(KEYS[place], '%d+$') or '')
      ended = ended + 1
    end
    breaker.forget('evidence', 'refused_at', 'refused_repeats')
    breaker.save()
  end
end
account.save()
redis.call('DEL', KEYS[3])
return {ended}
