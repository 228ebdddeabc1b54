-- uses: hash breaker
-- parameters: setting_rate
-- reply: rate rate_overridden limit limit_reason limit_for unrelated_share latency account reads
-- reply: campaigns calls answered_for
--
-- Reads the limits. `answered_for` is the time since the newest accepted call, -1 without one.
-- A breaker is {time until a call, is suspended, suspended for, reason,
-- evidence, suspensions in a row, time since the first}. KEYS: account, reads, then the suspended
-- campaigns. Times are microseconds. It saves the breakers, so that a clock that was set back is
-- corrected even when no worker reserves.

local account = open(KEYS[1])

local function describe(breaker)
  breaker.save()
  local suspended_for = is_suspended(breaker) and now - breaker.number('suspended_since') or 0
  return {
    bounded_wait(breaker.number('suspended_until')), is_suspended(breaker) and 1 or 0,
    suspended_for, breaker.text('reason'), breaker.number('evidence'),
    breaker.number('row_times'), breaker.since('row_at') * SECOND,
  }
end

local rate = tonumber(account.text('rate') ~= '' and account.text('rate') or arg.setting_rate)
local limit = math.floor(account.number('limit'))
if rate > 0 and limit >= rate then limit = 0 end
local timed = account.number('now_timed') + account.number('past_timed')
local took = account.number('now_took') + account.number('past_took')
local latency = timed > 0 and took / timed or account.number('baseline')
local campaigns = {}
for place = 3, #KEYS do table.insert(campaigns, describe(open(KEYS[place]))) end
return {
  rate, account.text('rate') ~= '' and 1 or 0, limit, account.text('limit_reason'),
  now - account.number('limit_since'),
  account.number('unrelated_until') > now and tostring(account.number('unrelated')) or '0',
  math.floor(latency), describe(account), describe(open(KEYS[2])), campaigns,
  account.number('calls'),
  account.number('answered_at') > 0 and math.max(0, now - account.number('answered_at')) or -1,
}
