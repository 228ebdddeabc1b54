-- uses: hash breaker adaptive results
-- parameters: setting_rate adapts campaign is_read pause calls suspension campaign_suspension is_probe epoch
-- parameters: accepted throttled unauthorised failed fresh_failed evidence settled unsettled repeats retry_after timed took fastest
-- parameters: threshold reason
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
