-- The adaptive limit: calls a minute below the rate, learnt from the results of calls. Why it is as it is:
-- docs/decisions/0011. Fields of the account's hash:
--
--   limit            calls a minute; absent: only the rate holds
--   limit_reason, limit_since, mode ('alert', 'trial', 'ramp' or 'hold')
--   epoch            counts changes of the limit that results must not be mixed across
--   now_*, past_*    results of this and the previous window: ok, repeated (of them), throttled, failed, timed, took, at,
--                    span
--   done_*           accepted calls of any epoch: in this second or so (now, at) and the one before (past, span)
--   throughput       accepted calls a minute, a mean over some seconds
--   baseline         usual latency in microseconds
--   unrelated        share of calls that failed just as often when fewer were made
--   trial_*          what a trial compares: share or latency before it, and results so far
--   peak, peak_at    the limit before a row of cuts (0: none), to go back to
--   ramp_goal        calls a minute at which a ramp ends; absent: it ends when calls are refused
--   hold_until       from then on the limit grows
--   proved_*_at      when a trial last showed that failures, or latency, follow the rate

local FLOOR, FLOOR_SHARE = 60, 0.2 -- calls a minute, and a share of what was accepted lately: no lower
local WINDOW, WINDOW_MOST, WINDOW_CALLS = 1, 10, 20 -- seconds and calls
local LEAST_BAD, LEAST_SHARE, SIGMAS, STRAY_SHARE = 4, 0.025, 3, 0.03 -- from here on failures are more than chance
local TRIAL, LATENCY_TRIAL = 0.7, 0.5 -- shares of the throughput while it is tried whether fewer calls help
local BACK_OFF, LATENCY_BACK_OFF = 0.97, 0.92 -- shares of what was accepted, once it is known that they do
local TRIAL_LEAST, TRIAL_MOST, TRIAL_FAILURES, HASTE = 1, 5, 16, 0.2 -- seconds, and failures to be expected
local ALERT_CALLS = 20
local HELD = 0.95 -- share of the limit that held before it grew too high
local PEAK = 60 -- seconds for which it is known what the limit was before a row of cuts
local SLOW_TIMES, SLOW_MORE, SLOW_CALLS = 1.8, 0.04 * SECOND, 20
local UNKNOWN_LATENCY, REPORTED = 0.2 * SECOND, 0.075
local RESERVED_AHEAD = 0.35 -- seconds: until then calls that were reserved before a trial reach the API
local RAMP_FROM = 60 -- calls a minute
local PROVED = 120 -- seconds for which a proof counts
local HOLD, HOLD_MOST, HOLD_CALLS, HOLD_ANSWERS = 8, 10, 250, 20 -- seconds, seconds, calls, answers' times
local GROWTH, GROWTH_RISES = 0.01, 12 -- shares a second; seconds
local RISE = {latency = 0.008} -- how much faster it grows each second; a queue hides for a while that it is too much
local RISE_OTHERS = 0.02
local UNRELATED, UNRELATED_MOST = 60, 960 -- seconds for which a verdict counts, doubling
local UNUSED = 120 -- seconds after which a limit that does not bind is lifted

local account, rate, adapts = open(KEYS[1]), 0, false
local news = {}

local function limit() return account.number('limit') end

-- Calls a minute under both rate and limit; 0 is unlimited.
local function allowed()
  if limit() == 0 then return rate end
  return rate == 0 and limit() or math.min(rate, limit())
end

local function both(field) return account.number('now_' .. field) + account.number('past_' .. field) end

local function forget_window(which)
  for _, field in ipairs({'ok', 'repeated', 'throttled', 'failed', 'timed', 'took', 'span'}) do account.forget(which .. field) end
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
  account.forget('trial_kind', 'trial_share', 'trial_latency', 'trial_target', 'trial_ratio', 'trial_at',
    'trial_calls', 'trial_bad', 'trial_timed', 'trial_took')
end

local function lift()
  if limit() > 0 then table.insert(news, 'limit_lifted') end
  forget_trial()
  account.forget('limit', 'limit_reason', 'limit_since', 'mode', 'grown_at', 'hold_until', 'held', 'ramp_goal',
    'used_at')
end

-- Seconds after which answers come as evenly as refusals, which come back sooner, and all are reported.
local function answer_seconds()
  local baseline = account.number('baseline')
  return REPORTED + 1.5 * math.min(2 * SECOND, baseline > 0 and baseline or UNKNOWN_LATENCY) / SECOND
end

-- The limit that was found holds for some seconds; longer where few calls or slow answers tell late that it is too much.
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

-- Before a suspension: what was accepted until now is what calls come back to.
local function close_accepted()
  local span = account.since('done_at')
  if account.number('done_now') > 0 then
    move_mean('throughput', account.number('done_now') * 60 / math.max(0.5, span), 1 - math.exp(-span / 5))
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
local function span_of_both() return account.since('now_at') + account.number('past_span') / SECOND end

-- Calls a minute that are being made, when a share of them fails. The first seconds of an epoch say little: then it is
-- what is allowed.
local function call_rate(share)
  local measured = accepted_rate() / math.max(0.001, 1 - share)
  if allowed() == 0 then return measured end
  return span_of_both() < 2 and allowed() or math.min(allowed(), measured)
end

-- Whether a trial has shown lately that failures (or latency) follow the rate.
local function is_proved(kind)
  local field = 'proved_' .. kind .. '_at'
  return account.number(field) > 0 and account.since(field) < PROVED
end

local function begin_counting(mode)
  account.set_text('mode', mode)
  account.set('trial_at', now)
  account.forget('trial_calls', 'trial_bad', 'trial_timed', 'trial_took')
end

-- Lowers the limit, and begins to compare: do failures or latency fall with it?
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

-- Fewer calls did not help, or there are too few to tell: back to the limit of before the newest cuts.
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

-- The fastest of the first answers is the best guess at an unloaded latency.
local function note_latency(timed, fastest)
  if timed > 0 and account.number('baseline') == 0 then account.set('baseline', fastest) end
end

local function cut_for_failures(share, least)
  local excess = math.max(0, share - unrelated())
  local target = math.min(1, math.max((1 - excess) * BACK_OFF, (least or 0) / math.max(FLOOR, call_rate(share))))
  local reason = both('throttled') >= both('failed') and 'throttled' or 'failures'
  account.set_fraction('trial_share', share)
  try_fewer('failures', call_rate(share), is_proved('failures') and target or math.min(TRIAL, target), target, reason)
end

-- Whether so many failures are more than chance, when a share of calls fails anyway.
local function is_excess(bad, calls, share)
  local least = is_proved('failures') and LEAST_BAD - 1 or LEAST_BAD
  return bad >= least and bad >= share * calls + SIGMAS * math.sqrt(share * (1 - share) * calls) + least - 1
end

-- So many calls tell a share from half of it.
local function calls_to_tell(share) return (TRIAL_FAILURES * (1 - share) + 2) / math.max(0.01, share) end

-- The share of which it is fairly certain that it is no less (Wilson's interval, one sigma).
local function certain_share(bad, calls)
  local share = bad / calls
  return (share + 0.5 / calls - math.sqrt(share * (1 - share) / calls + 0.25 / calls ^ 2)) / (1 + 1 / calls)
end

-- Failures that are more than chance, and more than fail whatever the rate, raise an alert. Until a limit is known to be
-- real, a few per cent are no reason.
local function check_failures()
  local bad = both('throttled') + both('failed')
  local calls = both('ok') + bad
  local usual = math.max(unrelated(), is_proved('failures') and 0 or STRAY_SHARE)
  if calls < ALERT_CALLS or bad < LEAST_SHARE * calls or not is_excess(bad, calls, usual) then return end
  account.set_text('mode_before', account.text('mode'))
  begin_counting('alert')
end

-- What raised an alert was chosen because it looked bad, and had only begun. So the share is measured once more before
-- the limit is lowered: a chance passes, and a real one is known without bias.
local function judge_alert()
  local lasted, calls, bad = account.since('trial_at'), account.number('trial_calls'), account.number('trial_bad')
  local share = bad / math.max(1, calls)
  if lasted < HASTE + answer_seconds() then return end
  local is_real = is_excess(bad, calls, unrelated()) and share >= LEAST_SHARE
  -- A limit that is known, and somewhat too high now: back at once, but not below where it held.
  if is_real and is_proved('failures') and calls >= ALERT_CALLS and share < 0.5 then
    account.set_text('mode', account.text('mode_before'))
    return cut_for_failures(share, HELD * account.number('held'))
  end
  if lasted < TRIAL_LEAST + answer_seconds() then return end
  local wanted = LEAST_BAD / LEAST_SHARE
  if is_real then wanted = is_proved('failures') and ALERT_CALLS or calls_to_tell(share) end
  if calls < wanted and lasted < TRIAL_MOST then return end
  account.set_text('mode', account.text('mode_before'))
  forget_trial()
  if is_real then cut_for_failures(share) end
end

-- Fewer calls did not lower the share of failures: these are not ours to prevent.
local function learn_unrelated(share)
  local times = account.number('unrelated_times')
  account.set_fraction('unrelated', share)
  account.set('unrelated_until', now + math.min(UNRELATED_MOST, UNRELATED * 2 ^ times) * SECOND)
  account.set('unrelated_times', times + 1)
  table.insert(news, 'failures_unrelated')
  go_back()
end

-- Judges a trial: a share of failures that stays is unrelated to the rate. If they come from a limit at the API, the
-- calls that it accepts stay, and the share falls to what is above it.
local function judge_failures()
  local lasted, calls, bad = account.since('trial_at'), account.number('trial_calls'), account.number('trial_bad')
  local before, ratio = account.number('trial_share'), account.number('trial_ratio')
  if lasted < TRIAL_LEAST + RESERVED_AHEAD + answer_seconds() then return end
  local share = bad / math.max(1, calls)
  if is_excess(bad, calls, math.min(0.95, 1.2 * before)) then return cut_for_failures(certain_share(bad, calls)) end
  if calls < calls_to_tell(before) and lasted < TRIAL_MOST then return end
  if calls < LEAST_BAD then return lasted >= 2 * TRIAL_MOST and go_back() end
  local expected = math.max(unrelated(), 1 - (1 - before) / ratio)
  if share > (before + expected) / 2 then
    if ratio <= TRIAL + 0.05 then return learn_unrelated(share) end
    account.forget('proved_failures_at') -- too small a step to tell
    return cut_for_failures(share)
  end
  if is_excess(bad, calls, unrelated()) then return cut_for_failures(share) end
  prove()
end

-- The mean latency of the newest window, or of both where that has few calls; nil when both have few.
local function mean_latency()
  if account.number('now_timed') >= SLOW_CALLS then return account.number('now_took') / account.number('now_timed') end
  if both('timed') >= SLOW_CALLS then return both('took') / both('timed') end
end

local function check_latency()
  local baseline, mean = account.number('baseline'), mean_latency()
  if not mean or span_of_both() < 1 or account.number('latency_until') > now then return end
  if mean < SLOW_TIMES * baseline or mean < baseline + SLOW_MORE then return end
  account.set('trial_latency', mean)
  try_fewer('latency', accepted_rate(), is_proved('latency') and TRIAL or LATENCY_TRIAL, LATENCY_BACK_OFF, 'latency')
end

local function latency_deadline()
  return math.min(20, 0.5 + 3.5 * account.number('trial_latency') / SECOND) -- a queue drains at half of what it serves
end

-- Seconds after which a trial that has too few results is given up.
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
  if mean > before then return account.set('trial_latency', mean) end -- it had only begun
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

-- Ends what waits for results that do not come: a blast may be over in the middle of a trial.
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

-- A ramp doubles each second. A limit that was found holds for some seconds, then grows ever faster, while it is used.
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

-- After a suspension calls come back gradually, up to what was accepted before it.
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

-- Adds results of calls that were granted in this epoch. Jobs that fail again and again while no repeated job is
-- accepted fail for reasons of their own.
local function add_results(accepted, accepted_repeats, throttled, fresh_failed, failed_repeats, timed, took)
  local calls = account.number('now_ok') + account.number('now_throttled') + account.number('now_failed')
  if calls == 0 and (account.number('now_at') == 0 or account.since('now_at') > 2) then
    account.set('now_at', now)
    forget_window('past_')
  end
  account.add('now_repeated', accepted_repeats)
  local failed = fresh_failed + (both('repeated') > 0 and failed_repeats or 0)
  for field, count in pairs({ok = accepted, throttled = throttled, failed = failed, timed = timed, took = took}) do
    account.add('now_' .. field, count)
  end
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
  if account.text('mode') ~= 'alert' then check_latency() end
  if account.text('mode') ~= 'alert' and account.text('mode') ~= 'trial' and limit() > 0 and accepted > 0 then grow() end
end

local function finish_window()
  local span = account.since('now_at')
  local calls = account.number('now_ok') + account.number('now_throttled') + account.number('now_failed')
  if calls > 0 and ((span >= WINDOW and calls >= WINDOW_CALLS) or span >= WINDOW_MOST) then rotate() end
end
