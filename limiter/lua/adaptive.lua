-- The adaptive limit: calls a minute below the rate, derived from the results of calls. Its reasons
-- are in docs/decisions/0011. Fields of the account's hash:
--
--   calls            issuing calls that were reported, for operators
--   answered_at      when the newest accepted call ended
--   first_at, first_granted  second in which calls of an account without answers were granted
--   limit            calls a minute; absent: only the rate applies
--   limit_reason, limit_since, mode ('alert', 'trial', 'ramp' or 'hold')
--   epoch            counts changes of the limit; results of different epochs are not mixed
--   now_*, past_*    results of this and the previous window: ok, repeated (of them), throttled,
--                    failed, timed, took, at, span
--   done_*           accepted calls of any epoch: in the current second or so (now, at) and in the
--                    previous one (past, span)
--   throughput       accepted calls a minute, a mean over some seconds
--   baseline         usual latency in microseconds
--   unrelated        share of calls that failed just as often when fewer were made
--   trial_*          what a trial compares: share or latency before it, and its results
--   peak, peak_at    the limit before a row of cuts, to restore it (0: there was none)
--   ramp_goal        calls a minute at which a ramp ends; absent: it ends when calls are refused
--   hold_until       the limit grows after this time
--   proved_*_at      when a trial last showed that failures, or latency, depend on the rate

-- Lowest limit: calls a minute, and a share of the throughput.
local FLOOR, FLOOR_SHARE = 60, 0.2
local WINDOW, WINDOW_MOST, WINDOW_CALLS = 1, 10, 20 -- seconds and calls
-- Failures above these are more than chance.
local LEAST_BAD, LEAST_SHARE, SIGMAS, STRAY_SHARE = 4, 0.025, 3, 0.03
-- Shares of the throughput during a trial of fewer calls.
local TRIAL, LATENCY_TRIAL = 0.7, 0.5
-- Shares of the throughput, or of its accepted part, once a trial has shown that fewer calls help.
local BACK_OFF, LATENCY_BACK_OFF = 0.97, 0.92
local TRIAL_LEAST, TRIAL_MOST, TRIAL_FAILURES, HASTE = 1, 5, 16, 0.2 -- seconds; expected failures
local ALERT_CALLS = 20
local HELD = 0.95 -- share of the last limit that was held
local PEAK = 60 -- seconds for which the limit before a row of cuts is remembered
local SLOW_TIMES, SLOW_MORE, SLOW_CALLS = 1.8, 0.04 * SECOND, 20
local UNKNOWN_LATENCY, REPORTED = 0.2 * SECOND, 0.075
local RESERVED_AHEAD = 0.35 -- seconds in which calls reserved before a trial still reach the API
local RAMP_FROM = 60 -- calls a minute
local PROVED = 120 -- seconds for which a trial's proof counts
local HOLD, HOLD_MOST, HOLD_CALLS, HOLD_ANSWERS = 8, 10, 250, 20 -- seconds, seconds, calls, answers
local GROWTH, GROWTH_RISES = 0.01, 12 -- share per second; seconds for which it rises
-- Added to GROWTH each second; less after latency, because the API's queue hides an overload at
-- first.
local RISE = {latency = 0.008}
local RISE_OTHERS = 0.02
local UNRELATED, UNRELATED_MOST = 60, 960 -- seconds for which a verdict counts, doubling
local UNUSED = 120 -- seconds after which an unused limit is lifted

local account, rate, adapts = open(KEYS[1]), 0, false
local news = {}

local function limit() return account.number('limit') end

-- Calls a minute under both rate and limit; 0 is unlimited.
local function allowed()
  if limit() == 0 then return rate end
  return rate == 0 and limit() or math.min(rate, limit())
end

local function both(field)
  return account.number('now_' .. field) + account.number('past_' .. field)
end

local function forget_window(which)
  for _, field in ipairs({'ok', 'repeated', 'throttled', 'failed', 'timed', 'took', 'span'}) do
    account.forget(which .. field)
  end
end

local function new_epoch()
  forget_window('now_')
  forget_window('past_')
  account.set('now_at', now)
  account.add('epoch', 1)
end

local function set_limit(value, reason)
  if limit() == 0 then account.set('limit_since', now) end
  account.set('limit', math.max(FLOOR, FLOOR_SHARE * account.number('throughput'), value), '%.3f')
  account.set_text('limit_reason', reason)
  account.set('grown_at', now)
end

local function forget_trial()
  account.forget('trial_kind', 'trial_share', 'trial_latency', 'trial_target', 'trial_ratio',
    'trial_at', 'trial_calls', 'trial_bad', 'trial_timed', 'trial_took')
end

local function lift()
  if limit() > 0 then table.insert(news, 'limit_lifted') end
  forget_trial()
  account.forget('limit', 'limit_reason', 'limit_since', 'mode', 'grown_at', 'hold_until', 'held',
    'ramp_goal', 'used_at')
end

-- Seconds after which answers have arrived and been reported as completely as the faster refusals.
local function answer_seconds()
  local baseline = account.number('baseline')
  local latency = math.min(2 * SECOND, baseline > 0 and baseline or UNKNOWN_LATENCY)
  return REPORTED + 1.5 * latency / SECOND
end

-- Holds the limit for some seconds; longer when few calls or slow answers would show an overload
-- late.
local function hold()
  local seconds = math.max(HOLD, HOLD_CALLS * 60 / limit(), HOLD_ANSWERS * answer_seconds())
  account.set_text('mode', 'hold')
  account.set('hold_until', now + math.min(HOLD_MOST, seconds) * SECOND)
  account.set('held', limit(), '%.3f')
  account.set('used_at', now)
  account.forget('ramp_goal')
end

-- Calls a minute that were accepted in the last one to two seconds.
local function accepted_rate()
  local span = account.since('done_at') + account.number('done_span') / SECOND
  return (account.number('done_now') + account.number('done_past')) * 60 / math.max(1, span)
end

local function move_mean(field, value, share)
  local mean = account.number(field)
  account.set_fraction(field, mean > 0 and mean + (value - mean) * share or value)
end

-- Before a suspension: saves the throughput as the goal of the ramp after it.
local function close_accepted()
  local span = account.since('done_at')
  if account.number('done_now') > 0 then
    local throughput = account.number('done_now') * 60 / math.max(0.5, span)
    move_mean('throughput', throughput, 1 - math.exp(-span / 5))
  end
  account.forget('done_at', 'done_now', 'done_past', 'done_span')
end

local function count_accepted(accepted)
  local span = account.since('done_at')
  if account.number('done_at') == 0 or (span > WINDOW_MOST and accepted > 0) then
    account.set('done_at', now)
    account.forget('done_now', 'done_past', 'done_span')
  elseif span >= WINDOW then
    move_mean('throughput', account.number('done_now') * 60 / span, 1 - math.exp(-span / 5))
    account.set('done_past', account.number('done_now'))
    account.set('done_span', span * SECOND)
    account.set('done_at', now)
    account.forget('done_now')
  end
  account.add('done_now', accepted)
end

-- Seconds that both windows span.
local function span_of_both()
  return account.since('now_at') + account.number('past_span') / SECOND
end

-- Calls a minute being made, when a share of them fails. In an epoch's first seconds there is too
-- little data, so this is the allowed rate.
local function call_rate(share)
  local measured = accepted_rate() / math.max(0.001, 1 - share)
  if allowed() == 0 then return measured end
  return span_of_both() < 2 and allowed() or math.min(allowed(), measured)
end

-- Whether a recent trial has shown that failures (or latency) depend on the rate.
local function is_proved(kind)
  local field = 'proved_' .. kind .. '_at'
  return account.number(field) > 0 and account.since(field) < PROVED
end

local function begin_counting(mode)
  account.set_text('mode', mode)
  account.set('trial_at', now)
  account.forget('trial_calls', 'trial_bad', 'trial_timed', 'trial_took')
end

-- Lowers the limit, and starts a trial: do failures or latency fall with it?
local function try_fewer(kind, base, ratio, target, reason)
  if account.number('peak_at') == 0 or account.since('peak_at') > PEAK then
    account.set('peak', limit(), '%.3f')
    account.set('peak_at', now)
  end
  begin_counting('trial')
  account.set_text('trial_kind', kind)
  account.set_fraction('trial_ratio', ratio)
  account.set('trial_target', target * base, '%.3f')
  set_limit(ratio * base, reason)
  account.set('last', math.max(now, account.number('last'))) -- no burst
  new_epoch()
  table.insert(news, 'limit_lowered')
end

-- Restores the limit from before the newest cuts: they did not help, or there is too little data.
local function go_back()
  local from = account.number('peak')
  forget_trial()
  account.forget('peak', 'peak_at')
  new_epoch()
  if from == 0 then return lift() end
  set_limit(from, account.text('limit_reason'))
  hold()
end

local function prove()
  local target = account.number('trial_target')
  account.set('proved_' .. account.text('trial_kind') .. '_at', now)
  account.forget('unrelated_times')
  set_limit(math.max(limit(), target), account.text('limit_reason'))
  forget_trial()
  hold()
end

local function unrelated()
  if account.number('unrelated_until') < now then return 0 end
  return account.number('unrelated')
end

-- The fastest of the first answers is the best estimate of the latency without load.
local function note_latency(timed, fastest)
  if timed > 0 and account.number('baseline') == 0 then account.set('baseline', fastest) end
end

local function cut_for_failures(share, least)
  local excess = math.max(0, share - unrelated())
  local least_share = (least or 0) / math.max(FLOOR, call_rate(share))
  local target = math.min(1, math.max((1 - excess) * BACK_OFF, least_share))
  local ratio = is_proved('failures') and target or math.min(TRIAL, target)
  local reason = both('throttled') >= both('failed') and 'throttled' or 'failures'
  account.set_fraction('trial_share', share)
  try_fewer('failures', call_rate(share), ratio, target, reason)
end

-- Whether this many failures are more than chance, when a share of calls fails anyway.
local function is_excess(bad, calls, share)
  local least = is_proved('failures') and LEAST_BAD - 1 or LEAST_BAD
  local deviation = math.sqrt(share * (1 - share) * calls)
  return bad >= least and bad >= share * calls + SIGMAS * deviation + least - 1
end

-- Calls needed to distinguish a share of failures from half of it.
local function calls_needed(share)
  return (TRIAL_FAILURES * (1 - share) + 2) / math.max(0.01, share)
end

-- Lower bound of the share of failures (Wilson's interval, one sigma).
local function certain_share(bad, calls)
  local share = bad / calls
  local deviation = math.sqrt(share * (1 - share) / calls + 0.25 / calls ^ 2)
  return (share + 0.5 / calls - deviation) / (1 + 1 / calls)
end

-- Raises an alert for failures that are more than chance and more than the unrelated share. A few
-- per cent are not enough until a trial has proved that there is a limit.
local function check_failures()
  local bad = both('throttled') + both('failed')
  local calls = both('ok') + bad
  local usual = math.max(unrelated(), is_proved('failures') and 0 or STRAY_SHARE)
  if calls < ALERT_CALLS or bad < LEAST_SHARE * calls then return end
  if not is_excess(bad, calls, usual) then return end
  account.set_text('mode_before', account.text('mode'))
  begin_counting('alert')
end

-- The results that raised an alert are biased: they were selected for being bad, and the failures
-- had only begun. So the share is measured again before the limit is lowered. A chance passes
-- meanwhile, and the share of a real overload is known without bias.
local function judge_alert()
  local lasted = account.since('trial_at')
  local calls, bad = account.number('trial_calls'), account.number('trial_bad')
  local share = bad / math.max(1, calls)
  if lasted < HASTE + answer_seconds() then return end
  local is_real = is_excess(bad, calls, unrelated()) and share >= LEAST_SHARE
  -- A proved limit that is slightly too high: lower it now, but not below the last one that held.
  if is_real and is_proved('failures') and calls >= ALERT_CALLS and share < 0.5 then
    account.set_text('mode', account.text('mode_before'))
    return cut_for_failures(share, HELD * account.number('held'))
  end
  if lasted < TRIAL_LEAST + answer_seconds() then return end
  local wanted = LEAST_BAD / LEAST_SHARE
  if is_real then wanted = is_proved('failures') and ALERT_CALLS or calls_needed(share) end
  if calls < wanted and lasted < TRIAL_MOST then return end
  account.set_text('mode', account.text('mode_before'))
  forget_trial()
  if is_real then cut_for_failures(share) end
end

-- Fewer calls did not lower the share of failures, so a lower limit does not prevent them.
local function learn_unrelated(share)
  local times = account.number('unrelated_times')
  account.set_fraction('unrelated', share)
  account.set('unrelated_until', now + math.min(UNRELATED_MOST, UNRELATED * 2 ^ times) * SECOND)
  account.set('unrelated_times', times + 1)
  table.insert(news, 'failures_unrelated')
  go_back()
end

-- Judges a trial. If the share of failures stays the same, it is unrelated to the rate. If the API
-- has a limit, it accepts as many calls as before, and only the calls above the limit fail.
local function judge_failures()
  local lasted = account.since('trial_at')
  local calls, bad = account.number('trial_calls'), account.number('trial_bad')
  local before, ratio = account.number('trial_share'), account.number('trial_ratio')
  if lasted < TRIAL_LEAST + RESERVED_AHEAD + answer_seconds() then return end
  local share = bad / math.max(1, calls)
  if is_excess(bad, calls, math.min(0.95, 1.2 * before)) then
    return cut_for_failures(certain_share(bad, calls))
  end
  if calls < calls_needed(before) and lasted < TRIAL_MOST then return end
  if calls < LEAST_BAD then return lasted >= 2 * TRIAL_MOST and go_back() end
  local expected = math.max(unrelated(), 1 - (1 - before) / ratio)
  if share > (before + expected) / 2 then
    if ratio <= TRIAL + 0.05 then return learn_unrelated(share) end
    account.forget('proved_failures_at') -- the step was too small for a verdict
    return cut_for_failures(share)
  end
  if is_excess(bad, calls, unrelated()) then return cut_for_failures(share) end
  prove()
end

-- Mean latency of the current window, or of both when that has few calls; nil when both have few.
local function mean_latency()
  local timed = account.number('now_timed')
  if timed >= SLOW_CALLS then return account.number('now_took') / timed end
  if both('timed') >= SLOW_CALLS then return both('took') / both('timed') end
end

local function check_latency()
  local baseline, mean = account.number('baseline'), mean_latency()
  if not mean or span_of_both() < 1 or account.number('latency_until') > now then return end
  if mean < SLOW_TIMES * baseline or mean < baseline + SLOW_MORE then return end
  account.set('trial_latency', mean)
  local ratio = is_proved('latency') and TRIAL or LATENCY_TRIAL
  try_fewer('latency', accepted_rate(), ratio, LATENCY_BACK_OFF, 'latency')
end

-- Seconds in which the API's queue drains: at half of the calls, it drains at half of its rate.
local function latency_deadline()
  return math.min(20, 0.5 + 3.5 * account.number('trial_latency') / SECOND)
end

-- Seconds after which a trial with too few results is abandoned.
local function trial_seconds()
  if account.text('trial_kind') == 'latency' then return 3 * latency_deadline() + TRIAL_MOST end
  return 3 * TRIAL_MOST
end

local function judge_latency()
  local lasted, timed = account.since('trial_at'), account.number('trial_timed')
  local baseline, before = account.number('baseline'), account.number('trial_latency')
  local deadline = latency_deadline()
  if timed < SLOW_CALLS / 2 then return lasted > 2 * deadline + TRIAL_MOST and go_back() end
  local mean = account.number('trial_took') / timed
  if mean > before then return account.set('trial_latency', mean) end -- it was still rising
  account.forget('trial_timed', 'trial_took')
  if mean < math.max(1.5 * baseline, baseline + SLOW_MORE / 2) then return prove() end
  if lasted < deadline or (mean < 0.7 * before and lasted < 3 * deadline) then return end
  if account.number('trial_ratio') > LATENCY_TRIAL then
    account.forget('proved_latency_at')
    account.set('trial_latency', mean)
    return try_fewer('latency', limit(), LATENCY_TRIAL, LATENCY_BACK_OFF, 'latency')
  end
  local times = account.number('latency_times')
  account.set('baseline', mean)
  account.set('latency_until', now + math.min(UNRELATED_MOST, UNRELATED * 2 ^ times) * SECOND)
  account.set('latency_times', times + 1)
  table.insert(news, 'latency_unrelated')
  go_back()
end

local function judge()
  if account.text('trial_kind') == 'latency' then judge_latency() else judge_failures() end
end

-- Ends a mode that waits for results which do not arrive: a blast may end during a trial.
local function expire()
  local mode = account.text('mode')
  if mode == 'alert' and account.since('trial_at') > 2 * TRIAL_MOST then
    account.set_text('mode', account.text('mode_before'))
    forget_trial()
  elseif mode == 'trial' and account.since('trial_at') > trial_seconds() then
    go_back()
  elseif mode == 'hold' and account.since('used_at') > UNUSED then
    lift()
  end
end

local function end_ramp()
  local before = account.number('ramp_then')
  account.forget('ramp_then')
  new_epoch()
  if before == 0 then return lift() end
  set_limit(before, account.text('limit_reason'))
  hold()
end

-- A ramp doubles the limit each second. After a hold the limit grows at a rising rate while it is
-- used.
local function grow()
  local seconds = math.min(0.5, account.since('grown_at'))
  account.set('grown_at', now)
  if account.text('mode') == 'ramp' then
    account.set('limit', limit() * 2 ^ seconds, '%.3f')
    local goal = account.number('ramp_goal')
    if goal > 0 and limit() >= goal then return end_ramp() end
  elseif account.number('hold_until') <= now then
    if accepted_rate() < limit() / 2 then
      if account.since('used_at') > UNUSED then lift() end
      return
    end
    account.set('used_at', now)
    local since = math.min(GROWTH_RISES, account.since('hold_until'))
    local rise = RISE[account.text('limit_reason')] or RISE_OTHERS
    account.set('limit', limit() * math.exp((GROWTH + rise * since) * seconds), '%.3f')
  end
  if rate > 0 and limit() >= rate then lift() end
end

-- After a suspension calls increase gradually, up to the throughput before it.
local function begin_ramp()
  local goal = account.number('throughput')
  forget_trial()
  new_epoch()
  account.set('last', now)
  local was_throttled = account.text('suspended_by') == 'throttled'
  if not adapts or (goal <= RAMP_FROM and not was_throttled) then return end
  if limit() > 0 then account.set('ramp_then', limit(), '%.3f') end
  set_limit(math.max(RAMP_FROM, goal / 4), 'recovery')
  account.set_text('mode', 'ramp')
  if was_throttled then account.forget('ramp_goal') else account.set('ramp_goal', goal, '%.3f') end
end

local function rotate()
  local span = account.since('now_at')
  local timed = account.number('now_timed')
  if timed >= SLOW_CALLS / 2 then
    local mean, baseline = account.number('now_took') / timed, account.number('baseline')
    move_mean('baseline', mean, mean < baseline and 0.3 or 1 - math.exp(-span / 600))
  end
  forget_window('past_')
  for _, field in ipairs({'ok', 'repeated', 'throttled', 'failed', 'timed', 'took'}) do
    account.set('past_' .. field, account.number('now_' .. field))
  end
  account.set('past_span', span * SECOND)
  forget_window('now_')
  account.set('now_at', now)
end

-- Calls of the current window.
local function window_calls()
  return account.number('now_ok') + account.number('now_throttled') + account.number('now_failed')
end

-- Adds results of calls that were granted in this epoch. Failures of repeated jobs count only when
-- some repeated job was accepted: otherwise the jobs themselves are the cause.
local function add_results(
  accepted, accepted_repeats, throttled, fresh_failed, failed_repeats, timed, took
)
  if window_calls() == 0 and (account.number('now_at') == 0 or account.since('now_at') > 2) then
    account.set('now_at', now)
    forget_window('past_')
  end
  account.add('now_repeated', accepted_repeats)
  local failed = fresh_failed + (both('repeated') > 0 and failed_repeats or 0)
  account.add('now_ok', accepted)
  account.add('now_throttled', throttled)
  account.add('now_failed', failed)
  account.add('now_timed', timed)
  account.add('now_took', took)
  local is_counting = account.text('mode') == 'trial' or account.text('mode') == 'alert'
  local from = answer_seconds() + (account.text('mode') == 'trial' and RESERVED_AHEAD or 0)
  if is_counting and account.since('trial_at') > from then
    account.add('trial_calls', accepted + throttled + failed)
    account.add('trial_bad', throttled + failed)
    account.add('trial_timed', timed)
    account.add('trial_took', took)
  end
end

local function adapt(accepted)
  if account.text('mode') == 'trial' then return judge() end
  if account.text('mode') == 'alert' then return judge_alert() end
  if span_of_both() < answer_seconds() then return end
  check_failures()
  if account.text('mode') == 'alert' then return end
  check_latency()
  if account.text('mode') ~= 'trial' and limit() > 0 and accepted > 0 then grow() end
end

local function finish_window()
  local span, calls = account.since('now_at'), window_calls()
  local is_full = span >= WINDOW and calls >= WINDOW_CALLS
  if calls > 0 and (is_full or span >= WINDOW_MOST) then rotate() end
end
