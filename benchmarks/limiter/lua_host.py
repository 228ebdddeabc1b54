"""A Redis in virtual time, which runs the limiter's Lua scripts in this process."""

from collections.abc import Callable, Sequence
from typing import Any

# Redis runs Lua 5.1; LuaJIT is the same language, several times faster.
from lupa import luajit21 as lua51

_EPOCH_SECONDS = 1_800_000_000

_COMMANDS = """
local hashes, sets, clock = {}, {}, {0, 0}
local call = {}
function call.TIME() return {tostring(clock[1]), tostring(clock[2])} end
function call.HGETALL(key)
  local found = {}
  for field, value in pairs(hashes[key] or {}) do
    found[#found + 1] = field
    found[#found + 1] = value
  end
  return found
end
function call.HSET(key, ...)
  local hash, given = hashes[key] or {}, {...}
  for place = 1, #given, 2 do hash[tostring(given[place])] = tostring(given[place + 1]) end
  hashes[key] = hash
end
function call.HDEL(key, ...)
  local hash = hashes[key]
  if not hash then return end
  for _, field in ipairs({...}) do hash[field] = nil end
  if next(hash) == nil then hashes[key] = nil end
end
function call.SADD(key, member)
  sets[key] = sets[key] or {}
  sets[key][tostring(member)] = true
end
function call.SREM(key, member)
  if sets[key] then sets[key][tostring(member)] = nil end
end
function call.DEL(key) hashes[key], sets[key] = nil, nil end
function call.EXPIRE() end
function call.XADD() end
redis = {call = function(command, ...) return call[command](...) end}
local function members(key)
  local found = {}
  for member in pairs(sets[key] or {}) do found[#found + 1] = member end
  return found
end
local function set_clock(seconds, microseconds) clock = {seconds, microseconds} end
local function prepare(source)
  local script, problem = loadstring(source)
  if not script then error(problem) end
  return function(keys, arguments)
    KEYS, ARGV = keys, arguments
    return script()
  end
end
return prepare, set_clock, members, hashes
"""


class _Script:
    """A prepared script; awaiting it never waits."""

    def __init__(self, run: Any, table: Any, set_time: Callable[[], None]) -> None:
        self._run = run
        self._table = table
        self._set_time = set_time

    async def __call__(self, keys: Sequence[str], args: Sequence[int | float | str]) -> list[Any]:
        self._set_time()
        reply: list[Any] = _python(self._run(self._table(keys), self._table(map(str, args))))
        return reply


class VirtualRedis:
    """The part of a Redis client that `RateLimiter` uses; all state is in this object.

    Args:
            clock: the server's time in seconds since the simulation's start.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        lua = lua51.LuaRuntime(unpack_returned_tuples=True)
        self._prepare, self._set_clock, self._members, self.hashes = lua.execute(_COMMANDS)
        self._table = lua.table_from

    def _set_time(self) -> None:
        microseconds = round(self._clock() * 1_000_000)
        self._set_clock(_EPOCH_SECONDS + microseconds // 1_000_000, microseconds % 1_000_000)

    def register_script(self, text: str) -> _Script:
        """Prepare a script."""
        return _Script(self._prepare(text), self._table, self._set_time)

    async def smembers(self, key: str) -> set[str]:
        """Read a set."""
        return set(_python(self._members(key)))


def _python(value: Any) -> Any:
    """Convert a reply like Redis: numbers lose their fraction, tables become lists."""
    if isinstance(value, float):
        return int(value)
    return (
        [_python(value[place]) for place in range(1, len(value) + 1)]
        if lua51.lua_type(value) == "table"
        else value
    )
