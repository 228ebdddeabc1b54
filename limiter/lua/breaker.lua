-- A circuit breaker: whether calls of one scope (issuing, reads, one campaign) may start.
--
-- available: they may. suspended: none may until `suspended_until`. probing: one may at `probe_at`.
-- Fields of its hash:
--   suspended_since  absent: available
--   suspended_until, reason
--   suspension       counts suspensions; a call carries the number at its grant
--   row_times, row_at, row_again_at  suspensions in a row; when the first and the newest began
--   probe_at, probes time of the next probe; number of probes in this suspension
--   evidence         weight of refused calls in a row
--   refused_at       when the row began
--   refused_repeats  calls in the row for jobs that had failed before
--   repeats_wanted_until  until then a row without such calls does not suspend

local PROBE_TURN = SECOND * 0.4
local LONGEST = 2 * 3600 * SECOND -- a longer wait is wrong: Retry-After is at most an hour
local REPEATS_WANTED, REPEATS_LEAST = 60, 5 -- seconds, calls
local CHANGES = 1000 -- newest ones that are kept, for operators
local ROW = 600 -- seconds: a suspension that is newer follows the one before it

local function is_suspended(breaker) return breaker.number('suspended_since') > 0 end

-- Microseconds until a stored time; 0 when it has passed, or is further ahead than any may be.
local function bounded_wait(time)
  local wait = math.max(0, time - now)
  return wait <= LONGEST and wait or 0
end

-- Microseconds until a call may start; 0: now.
--
-- Probes alternate between new jobs and jobs that failed before (`is_repeat`); otherwise an API
-- that refuses each new job once would seem to be down. The kind whose turn it is not waits
-- PROBE_TURN longer.
local function wait_of(breaker, is_repeat)
  if not is_suspended(breaker) then return 0 end
  local at = breaker.number('probe_at')
  if breaker.number('probes') % 2 == (is_repeat and 0 or 1) then at = at + PROBE_TURN end
  return bounded_wait(math.max(breaker.number('suspended_until'), at))
end

local function take_probe(breaker, pause)
  if not is_suspended(breaker) then return end
  breaker.set('probe_at', now + pause)
  breaker.add('probes', 1)
end

-- Keeps a suspension, or its end, in a stream of the account.
local function keep_change(scope, change, reason, campaign)
  redis.call('XADD', KEYS[1] .. ':changes', 'MAXLEN', '~', CHANGES, '*', 'scope', scope,
    'change', change, 'reason', reason, 'campaign', campaign)
end

-- Counts the suspensions of one incident, for operators.
local function count_in_row(breaker)
  if breaker.number('row_again_at') == 0 or breaker.since('row_again_at') > ROW then
    breaker.forget('row_times')
    breaker.set('row_at', now)
  end
  breaker.set('row_again_at', now)
  breaker.add('row_times', 1)
end

-- Suspends the scope, or extends its suspension. Returns whether it was available until now.
local function suspend(breaker, lasting, reason)
  local is_new = not is_suspended(breaker)
  if is_new then
    breaker.set('suspended_since', now)
    breaker.add('suspension', 1)
    breaker.forget('probes')
    count_in_row(breaker)
  end
  breaker.set('suspended_until', math.max(breaker.number('suspended_until'), now + lasting))
  breaker.set('probe_at', now + lasting)
  breaker.set_text('reason', reason)
  breaker.forget('evidence', 'refused_at', 'refused_repeats')
  return is_new
end

local function make_available(breaker)
  breaker.forget('suspended_since', 'suspended_until', 'reason', 'probe_at', 'probes', 'evidence',
    'refused_at', 'refused_repeats')
end

-- Weighs refused calls against accepted ones. Returns 'suspended' or 'available' on a change.
--
-- `row` has: suspension, accepted, accepted_repeats, evidence, refused_repeats, threshold,
-- patience (seconds), lasting and retry_after (microseconds), reason.
--
-- Only calls granted since the newest suspension count: older ones say nothing about the time after
-- it. A row of refusals must last for some time, because refusals arrive sooner than answers. If
-- only jobs that had failed before ended a suspension, the API refuses new jobs once and is not
-- down: for a while, it takes refusals of repeated jobs to suspend again.
local function weigh(breaker, row)
  if row.suspension ~= breaker.number('suspension') then return end
  if row.accepted > 0 then
    local was_suspended = is_suspended(breaker)
    if was_suspended and row.accepted_repeats == row.accepted then
      breaker.set('repeats_wanted_until', now + REPEATS_WANTED * SECOND)
    end
    make_available(breaker)
    return was_suspended and 'available' or nil
  end
  if is_suspended(breaker) then
    if row.retry_after > 0 then suspend(breaker, row.retry_after, row.reason) end
    if row.reason ~= '' then breaker.set_text('reason', row.reason) end -- what is answered now
    return
  end
  if row.evidence > 0 and breaker.number('evidence') == 0 then breaker.set('refused_at', now) end
  breaker.add('evidence', row.evidence)
  breaker.add('refused_repeats', row.refused_repeats)
  if breaker.number('evidence') < row.threshold then return end
  if breaker.since('refused_at') < row.patience then return end
  local wants_repeats = breaker.number('repeats_wanted_until') > now
  if wants_repeats and breaker.number('refused_repeats') < REPEATS_LEAST then return end
  suspend(breaker, row.retry_after > 0 and row.retry_after or row.lasting, row.reason)
  return 'suspended'
end
