-- uses: hash breaker adaptive results
-- parameters: setting_rate adapts campaign is_read pause calls suspension campaign_suspension is_probe epoch
-- parameters: throttled unauthorised failed fresh_failed retry_after timed took fastest threshold reason
-- parameters: accepted accepted_repeats evidence refused_repeats settled settled_repeats unsettled
-- parameters: unsettled_repeats
-- reply: watched suspended news limit reason
--
-- Takes in results when no reservation will carry them soon.

take_results()
local breaker = arg.is_read == 1 and reads or account
save()
return {
  is_watched(breaker) and 1 or 0,
  is_suspended(breaker) and math.max(1, wait_of(breaker, false)) or 0,
  table.concat(news, ' '), math.floor(limit()), arg.reason,
}
