"""The ceiling on an account's calls: below the rate, learnt from what comes back, one for all workers.

Its rules and why they are these: docs/decisions/0008. The Lua functions here are the middle of the scripts in
`lua_scripts`, which need `rate` (calls a minute in force, 0 is unlimited) and what they start with. Fields of the hash:

- `ceiling`: calls a minute, above 0; absent: there is none. `ceiling_why`, `ceiling_since`: for the operator.
- `before`: calls a minute that were made when it appeared; `base`: when it was last lowered; `calm`: before the
  first of several failures that came one upon the other.
- `lowered` counts how often, for ever, so that a call's outcome is known for one from before; `lowered_at` is when.
- `grown_at`: up to when it has grown.
- `trouble`: failed and slow calls weighed against answers, 0 or more.
- `usual`, `usual_at`: how long an answer takes in microseconds, as a slowly moving mean, and when it last moved.
- `paced`: calls granted since `pace_at`; `pace`: calls a minute before that, the highest of the last minutes.
"""

CEILING = """
local FLOOR = 60 -- calls a minute: never lower
local AFTER_CLOSING, AFTER_TROUBLE = 1 / 16, 1 / 2 -- shares of the calls made so far
local LEAST_SLOW, LEAST_FAILED = 1 / 4, 1 / 16 -- shares of the calls made before: no lower for trouble alone
local FAILED_WEIGHS, TROUBLE = 4, 20 -- more than one call in five, and five in a row, are trouble
local SLOW_TIMES, SLOW_FROM = 3, 2000000 -- slow is an answer of three times the usual, and of two seconds
local UP_SECONDS, DOWN_SECONDS = 600, 60 -- in so long the usual follows slower and faster answers
local PACE_SECONDS, PACE_LEAST_SECONDS, PACE_HALVES_SECONDS = 5, 2, 60
local ONE_EVENT_SECONDS = 10 -- a closing so soon after failed calls is the same event
local STEP, GOAL = 6, 1200 -- grows by so many a minute each second at least; without a rate it goes no sooner
local SECOND, FAILED, SLOW = 1000000, 'failed calls', 'slow answers'

local news, ceiling = 0, read('ceiling')

-- Seconds since a time that was noted. One in the future was noted before the server's clock was set back.
local function since(field) return math.abs(now - read(field)) / SECOND end

-- Calls a minute under both rate and ceiling; 0 is unlimited.
local function allowed()
  if ceiling == 0 then return rate end
  if rate == 0 then return ceiling end
  return math.min(rate, ceiling)
end

-- Calls a minute that are being made, or were lately.
local function pace()
  local span = since('pace_at')
  local lately = read('paced') * 60 / math.max(PACE_LEAST_SECONDS, span)
  return math.max(lately, read('pace') * 2 ^ (-span / PACE_HALVES_SECONDS))
end

local function count_granted(count)
  if since('pace_at') >= PACE_SECONDS then
    write('pace', pace(), '%.3f')
    write('pace_at', now)
    write('paced', count)
  else
    write('paced', read('paced') + count)
  end
end

local function lower(share, least_of_before, why)
  local base = pace()
  if allowed() > 0 then base = math.min(base, allowed()) end
  base = math.max(FLOOR, base)
  if stored.ceiling_why ~= FAILED or since('lowered_at') > ONE_EVENT_SECONDS then
    write('calm', base, '%.3f')
  elseif share == AFTER_CLOSING then
    base = read('calm')
  end
  write('lowered', read('lowered') + 1)
  write('lowered_at', now)
  write('trouble', 0)
  local target = math.max(FLOOR, base * share, least_of_before * (ceiling > 0 and read('before') or base))
  if allowed() > 0 and target >= allowed() then return end
  if ceiling == 0 then
    write('ceiling_since', now)
    write('before', base, '%.3f')
  end
  news, ceiling = 1, target
  write('ceiling', ceiling, '%.3f')
  write('base', base, '%.3f')
  write('grown_at', now)
  write_text('ceiling_why', why)
end

local function lift()
  news, ceiling = 2, 0
  forget('ceiling', 'ceiling_why', 'ceiling_since', 'before', 'base', 'calm', 'grown_at')
end

-- Doubles each second up to half of what was too much, takes 15 seconds for the other half, and then hurries on.
-- Time counts only when answers come, and never more than a second at once.
local function grow()
  local seconds, base = math.min(1, since('grown_at')), read('base')
  local doubled = math.min(base / 2, ceiling * 2 ^ seconds)
  local step = math.max(STEP, ceiling < base and base / 30 or ceiling / 20)
  ceiling = math.max(doubled, ceiling + step * seconds)
  local goal = rate
  if rate == 0 then goal = math.max(GOAL, 2 * read('before')) end
  if ceiling >= goal then return lift() end
  write('ceiling', ceiling, '%.3f')
  write('grown_at', now)
end

-- Whether these answers were slow; what is usual moves with them, once a second.
local function compare(timed, took)
  if timed == 0 then return false end
  local mean, usual, seconds = took / timed, read('usual'), since('usual_at')
  if seconds >= 1 then
    local share = 1 - math.exp(-math.min(10, seconds) / (mean < usual and DOWN_SECONDS or UP_SECONDS))
    write('usual', usual > 0 and usual + (mean - usual) * share or mean)
    write('usual_at', now)
  end
  return usual > 0 and mean > SLOW_TIMES * usual and mean > SLOW_FROM
end

-- Take note of what came of calls. Those that were granted before it was last lowered tell of what is known.
-- A worker that is set not to adapt tells nothing, with -1, and suffers no ceiling.
local function hear(lowered, answered, failed, timed, took)
  if lowered < 0 and ceiling > 0 then return lift() end
  if lowered ~= read('lowered') or answered + failed == 0 then return end
  local slow = compare(timed, took)
  local before = read('trouble')
  local trouble = before + FAILED_WEIGHS * failed + (slow and timed or -answered)
  trouble = math.max(0, math.min(TROUBLE, trouble))
  if read('closings') > 0 then trouble = 0 end -- the probes' failures close it again
  if trouble ~= before then write('trouble', trouble) end
  if trouble >= TROUBLE then
    if since('lowered_at') < 1 then return end
    if FAILED_WEIGHS * failed > answered then
      lower(AFTER_TROUBLE, LEAST_FAILED, FAILED)
    else
      lower(AFTER_TROUBLE, LEAST_SLOW, SLOW)
    end
  elseif ceiling > 0 and answered > FAILED_WEIGHS * failed and not slow then
    grow()
  end
end
"""
