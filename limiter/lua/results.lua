-- Applies the results of earlier calls of one kind (issuing or reads) and one campaign.

local campaign, index = open(KEYS[2]), KEYS[4]
local reads = arg.is_read == 1 and open(KEYS[3]) or nil
local CAMPAIGN_UNSETTLED, CAMPAIGN_KEPT = 40, 3600 -- calls, seconds
local MAJORITY, MAJORITY_CALLS = 0.5, 20
local COLD = 60 -- seconds without an accepted call
local THROTTLED_PATIENCE = 1 -- seconds: a limit per second may refuse every call in the rest of one

rate = tonumber(account.text('rate') ~= '' and account.text('rate') or arg.setting_rate)
adapts = arg.adapts == 1

local function announce(scope, change)
  if not change then return end
  table.insert(news, scope .. '_' .. change)
  keep_change(scope, change, arg.reason, arg.campaign)
end

-- Suspends a campaign when none of its jobs settle; other campaigns continue.
local function weigh_campaign()
  local change = weigh(campaign, {
    suspension = arg.campaign_suspension, accepted = arg.settled,
    accepted_repeats = arg.settled_repeats, evidence = arg.unsettled,
    refused_repeats = arg.unsettled_repeats, threshold = CAMPAIGN_UNSETTLED,
    patience = answer_seconds(), lasting = arg.pause, retry_after = 0, reason = arg.reason,
  })
  if change then redis.call(change == 'suspended' and 'SADD' or 'SREM', index, arg.campaign) end
  announce('campaign', change)
end

local function suspend_throttled(lasting)
  close_accepted()
  account.set_text('suspended_by', 'throttled')
  suspend(account, lasting, arg.reason)
  announce('account', 'suspended')
  new_epoch()
end

local function is_mostly_throttled()
  local throttled = both('throttled')
  local calls = both('ok') + both('failed') + throttled
  if span_of_both() < math.max(THROTTLED_PATIENCE, answer_seconds()) then return false end
  return calls >= MAJORITY_CALLS and throttled > MAJORITY * calls
end

local function issue_row(patience)
  return {
    suspension = arg.suspension, accepted = arg.accepted, accepted_repeats = arg.accepted_repeats,
    evidence = arg.evidence, refused_repeats = arg.refused_repeats, threshold = arg.threshold,
    patience = patience, lasting = arg.pause, retry_after = arg.retry_after, reason = arg.reason,
  }
end

-- Whether the account has not answered lately: what it will say is unknown.
local function is_cold()
  return account.number('answered_at') == 0 or account.since('answered_at') > COLD
end

local function take_issue_results()
  local answered_at = now - arg.answered_ago
  if arg.accepted > 0 and answered_at > account.number('answered_at') then
    account.set('answered_at', answered_at)
  end
  account.add('calls', arg.calls)
  note_latency(arg.timed, arg.fastest)
  local patience = answer_seconds()
  if arg.throttled > 0 then patience = math.max(THROTTLED_PATIENCE, patience) end
  local change = weigh(account, issue_row(patience))
  announce('account', change)
  if change == 'suspended' then
    close_accepted()
    account.set_text('suspended_by', arg.throttled > 0 and 'throttled' or 'failures')
    forget_trial()
    new_epoch()
  end
  if change == 'available' then begin_ramp() end
  if arg.is_probe == 0 then weigh_campaign() end
  if not is_suspended(account) and arg.is_probe == 0 then count_accepted(arg.accepted) end
  if is_suspended(account) or change or arg.epoch ~= account.number('epoch') then return end
  add_results(arg.accepted, arg.accepted_repeats, arg.throttled, arg.fresh_failed,
    arg.failed + arg.unauthorised - arg.fresh_failed, arg.timed, arg.took)
  if arg.retry_after > 0 and (limit() == 0 or not adapts) and is_mostly_throttled() then
    return suspend_throttled(arg.retry_after)
  end
  if adapts then adapt(arg.accepted) end
  finish_window()
end

local function take_results()
  if not adapts and limit() > 0 then lift() end
  expire()
  if arg.calls == 0 then return end
  if arg.is_read == 0 then return take_issue_results() end
  local row = issue_row(answer_seconds())
  row.evidence, row.threshold = arg.failed + arg.unauthorised + arg.throttled, arg.threshold / 2
  announce('reads', weigh(reads, row))
end

-- Whether an accepted result would change a state: end a suspension, or a row of calls that were
-- refused or settled nothing.
local function is_watched(breaker)
  if is_suspended(breaker) or breaker.number('evidence') > 0 then return true end
  if arg.is_read == 0 and is_cold() then return true end
  return arg.is_read == 0 and (is_suspended(campaign) or campaign.number('evidence') > 0)
end

local function save()
  account.save()
  if reads then reads.save() end
  campaign.save()
  if not campaign.is_empty() then redis.call('EXPIRE', campaign.key, CAMPAIGN_KEPT) end
end
