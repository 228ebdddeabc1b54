-- uses: hash
-- parameters: rate
-- reply: done
--
-- Sets the rate; below 0 restores the setting's. The operator has chosen a rate, so the adaptive
-- limit ends, and results of calls in flight do not count against the new rate.

local account = open(KEYS[1])
if arg.rate < 0 then account.forget('rate') else account.set('rate', arg.rate) end
if account.number('suspended_since') == 0 then
  account.forget('limit', 'limit_reason', 'limit_since', 'mode', 'grown_at', 'hold_until',
    'ramp_goal', 'ramp_then', 'unrelated', 'unrelated_until', 'unrelated_times')
  account.add('epoch', 1)
end
account.save()
return {1}
