-- uses: hash breaker adaptive results
-- parameters: setting_rate adapts campaign is_read pause calls suspension campaign_suspension
-- parameters: is_probe epoch throttled unauthorised failed fresh_failed retry_after timed took
-- parameters: fastest threshold reason accepted accepted_repeats evidence refused_repeats settled
-- parameters: settled_repeats unsettled unsettled_repeats answered_ago
-- reply: watched suspended news limit reason
--
-- Reports results when no reservation will do it soon.

take_results()
local breaker = arg.is_read == 1 and reads or account
save()
return {
  is_watched(breaker) and 1 or 0,
  is_suspended(breaker) and math.max(1, wait_of(breaker, false)) or 0,
  table.concat(news, ' '), math.floor(limit()), arg.reason,
}
