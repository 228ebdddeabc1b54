-- A breaker: whether calls of one scope (issuing, reads, one campaign) may start.
--
-- available: they may. suspended: none may, until `suspended_until`. probing: one may at each `probe_at`.
-- Fields of its hash:
--   suspended_since  absent: available
--   suspended_until, reason
--   suspension       how often it was suspended, ever; a call carries the number under which it was granted
--   probe_at, probes the next probe, and how many there were
--   evidence         weight of refused calls in a row
--   refused_at       when the row began

local PROBE_TURN = SECOND * 0.4

local function is_suspended(breaker) return breaker.number('suspended_since') > 0 end

-- Microseconds until a call may start; 0: now.
--
-- Probes alternate: every second one should be a job that failed before (`is_repeat`). An API that refuses each
-- new job once would otherwise look as if it were down. The other kind waits a little longer for its turn.
local function wait_of(breaker, is_repeat)
  if not is_suspended(breaker) then return 0 end
  local at = breaker.number('probe_at')
  if breaker.number('probes') % 2 == (is_repeat and 0 or 1) then at = at + PROBE_TURN end
  return math.max(0, math.max(breaker.number('suspended_until'), at) - now)
end

local function take_probe(breaker, pause)
  if not is_suspended(breaker) then return end
  breaker.set('probe_at', now + pause)
  breaker.add('probes', 1)
end

-- Suspends the scope, or prolongs its suspension. Returns whether it was available until now.
local function suspend(breaker, lasting, reason)
  local is_new = not is_suspended(breaker)
  if is_new then
    breaker.set('suspended_since', now)
    breaker.add('suspension', 1)
    breaker.forget('probes')
  end
  breaker.set('suspended_until', math.max(breaker.number('suspended_until'), now + lasting))
  breaker.set('probe_at', now + lasting)
  breaker.set_text('reason', reason)
  breaker.forget('evidence', 'refused_at')
  return is_new
end

local function make_available(breaker)
  breaker.forget('suspended_since', 'suspended_until', 'reason', 'probe_at', 'probes', 'evidence', 'refused_at')
end

-- Weighs refused calls against accepted ones. Returns 'suspended' or 'available' when the state changes.
--
-- Only calls granted since the newest suspension count: older ones say nothing about the time after it. A row of
-- refusals must last for `patience` seconds, because a refusal comes back sooner than an answer.
local function weigh(breaker, suspension, accepted, evidence, threshold, patience, lasting, retry_after, reason)
  if suspension ~= breaker.number('suspension') then return end
  if accepted > 0 then
    local was_suspended = is_suspended(breaker)
    if was_suspended then make_available(breaker) else breaker.forget('evidence', 'refused_at') end
    return was_suspended and 'available' or nil
  end
  if is_suspended(breaker) then
    if retry_after > 0 then suspend(breaker, retry_after, reason) end
    return
  end
  if evidence > 0 and breaker.number('evidence') == 0 then breaker.set('refused_at', now) end
  breaker.add('evidence', evidence)
  if breaker.number('evidence') < threshold or breaker.since('refused_at') < patience then return end
  suspend(breaker, retry_after > 0 and retry_after or lasting, reason)
  return 'suspended'
end
