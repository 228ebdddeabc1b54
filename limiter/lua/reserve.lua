-- uses: hash breaker adaptive results
-- parameters: setting_rate adapts campaign is_read count kept within preferred is_repeat pause
-- parameters: calls suspension campaign_suspension is_probe epoch throttled unauthorised failed
-- parameters: fresh_failed retry_after timed took fastest threshold reason accepted
-- parameters: accepted_repeats evidence refused_repeats settled settled_repeats unsettled
-- parameters: unsettled_repeats answered_ago first_calls
-- reply: granted ahead interval next_free held mark epoch suspension campaign_suspension watched
-- reply: refused news limit reason
--
-- Reserves call slots at even intervals (generic cell rate algorithm). `last` is the newest granted
-- slot. It is at most one burst in the past, and in the future by what is reserved. A preferred
-- call starts earlier than its slot, by the part of the burst that is kept for such calls, and
-- delays later slots. Times are microseconds.

local LAST_AHEAD = 2 * SECOND -- further ahead than any reservation: `last` must be wrong
local FIRST_AGAIN = 0.03 * SECOND

take_results()

local breaker = arg.is_read == 1 and reads or account
local held, wait = '', wait_of(breaker, arg.is_repeat == 1)
if is_suspended(breaker) then held = wait > 0 and 'suspended' or 'probing' end
if arg.is_read == 0 and is_suspended(campaign) then
  local campaign_wait = wait_of(campaign, arg.is_repeat == 1)
  if campaign_wait > wait then
    held = 'campaign_suspended'
  elseif held == '' then
    held = 'campaign_probing'
  end
  wait = math.max(wait, campaign_wait)
end

local function answer(granted, ahead, interval, next_free, mark)
  save()
  return {
    granted, ahead, interval, next_free, held, mark, account.number('epoch'),
    breaker.number('suspension'), campaign.number('suspension'), is_watched(breaker) and 1 or 0,
    breaker.number('evidence'), table.concat(news, ' '), math.floor(limit()), arg.reason,
  }
end

if wait > 0 then return answer(0, 0, 0, wait, 0) end
local count = math.max(0, arg.count)
if held ~= '' then count = math.min(count, 1) end

-- Until the account answers, all workers together make only a few calls each second: a wrong
-- address must not cost a whole chunk.
local is_first = arg.first_calls > 0 and arg.is_read == 0 and held == '' and is_cold()
if is_first then
  if account.number('first_at') == 0 or account.since('first_at') >= 1 then
    account.set('first_at', now)
    account.forget('first_granted')
  end
  count = math.min(count, math.max(0, arg.first_calls - account.number('first_granted')))
  if count == 0 then return answer(0, 0, 0, FIRST_AGAIN, 0) end
end
local cap, interval, last, early = allowed(), 0, now, 0
if cap > 0 then
  interval = math.ceil(60 * SECOND / cap)
  local burst = math.max(1, math.floor(cap / 60)) * interval
  local kept = math.min(arg.kept, burst - interval)
  if arg.preferred == 1 then early = kept end
  last = math.max(account.number('last'), now - (burst - kept))
  if last > now + LAST_AHEAD then last = now - interval end
  count = math.min(count, math.max(0, math.floor((now + arg.within + early - last) / interval)))
  if count > 0 then account.set('last', last + count * interval) end
end
if is_first then account.add('first_granted', count) end
local ahead = last - early - now
local next_free = math.max(0, ahead + (count + 1) * interval)
if held ~= '' and count > 0 then
  take_probe(breaker, arg.pause)
  if arg.is_read == 0 then take_probe(campaign, arg.pause) end
  next_free = math.max(0, ahead + interval) + arg.pause
end
return answer(count, ahead, interval, next_free, last + count * interval)
