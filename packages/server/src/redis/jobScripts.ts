/**
 * What happens to jobs in Redis, each step as one script, so that no other process sees half of it. A job is a hash of its state and a sorted set of its events by their numbers; `queued` is a
 * sorted set of those that wait, in the order in which they came, `running` the set of those that run. The first arguments of all are what keys and channels begin with.
 */
const PRELUDE = `
local P, C = ARGV[1], ARGV[2]
local queued, running = P .. ':queued', P .. ':running'
local function recordOf(id) return P .. ':job:' .. id end
local function eventsOf(id) return P .. ':events:' .. id end

local function tell(id, kind, event, replaces)
  local record, events = recordOf(id), eventsOf(id)
  local number = redis.call('HINCRBY', record, 'count', 1)
  if replaces then
    local last = redis.call('HGET', record, 'last:' .. kind)
    if last then redis.call('ZREMRANGEBYSCORE', events, last, last) end
    redis.call('HSET', record, 'last:' .. kind, number)
  end
  redis.call('ZADD', events, number, number .. ' ' .. event)
  redis.call('PUBLISH', C .. 'job:' .. id, number)
end

local function tellPositions()
  local ahead = math.min(redis.call('SCARD', running), 1)
  for i, id in ipairs(redis.call('ZRANGE', queued, 0, -1)) do
    local told = redis.call('HGET', recordOf(id), 'position')
    local position = tostring(i - 1 + ahead)
    if not told then
      redis.call('ZREM', queued, id)
    elseif told ~= position then
      redis.call('HSET', recordOf(id), 'position', position)
      tell(id, 'queued', '{"type":"queued","position":' .. position .. '}', true)
    end
  end
end

local function finish(id, status, failure, event, now)
  local record = recordOf(id)
  redis.call('ZREM', queued, id)
  redis.call('SREM', running, id)
  redis.call('HSET', record, 'status', status, 'finishedAt', now, 'position', 0)
  if failure ~= '' then redis.call('HSET', record, 'error', failure) end
  tell(id, 'end', event, false)
  local retain = redis.call('HGET', record, 'retain')
  redis.call('PEXPIRE', record, retain)
  redis.call('PEXPIRE', eventsOf(id), retain)
  local startedAt = redis.call('HGET', record, 'startedAt')
  if status == 'done' and startedAt then
    local usual = tonumber(redis.call('GET', P .. ':usual') or '10000')
    redis.call('SET', P .. ':usual', usual + 0.3 * (tonumber(now) - tonumber(startedAt) - usual))
  end
  tellPositions()
  redis.call('PUBLISH', C .. 'ended', id)
end
`;

/** By name: each script, after {@link PRELUDE}; what it takes is said where it is called. */
const SCRIPTS = {
  thimbleAdd: `
local id, job, fingerprint, retain, most, unsure = ARGV[3], ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]
local record = recordOf(id)
if redis.call('EXISTS', record) == 1 then
  if redis.call('HGET', record, 'fingerprint') == fingerprint then return 'known' end
  return 'conflict'
end
if redis.call('ZCARD', queued) + redis.call('SCARD', running) >= most then return 'full' end
local place = redis.call('INCR', P .. ':places')
redis.call('HSET', record, 'job', job, 'fingerprint', fingerprint, 'retain', retain, 'place', place,
  'status', 'queued', 'position', -1, 'step', 0, 'steps', 0, 'runs', 0)
redis.call('ZADD', queued, place, id)
tellPositions()
redis.call('PEXPIRE', record, unsure)
redis.call('PEXPIRE', eventsOf(id), unsure)
return 'added'`,

  thimbleConfirm: `
local id = ARGV[3]
if not redis.call('HGET', recordOf(id), 'finishedAt') then
  redis.call('PERSIST', recordOf(id))
  redis.call('PERSIST', eventsOf(id))
end
redis.call('PUBLISH', C .. 'work', id)`,

  thimbleStart: `
local id, now, most = ARGV[3], ARGV[4], tonumber(ARGV[5])
local record = recordOf(id)
if redis.call('EXISTS', record) == 0 or redis.call('HGET', record, 'finishedAt') then return { 'over' } end
redis.call('PERSIST', record)
redis.call('PERSIST', eventsOf(id))
if redis.call('HGET', record, 'cancelled') then return { 'cancelled' } end
if tonumber(redis.call('HGET', record, 'runs')) >= most then
  return { 'lost', redis.call('HGET', record, 'loss') or '' }
end
local run = redis.call('HINCRBY', record, 'runs', 1)
redis.call('ZREM', queued, id)
redis.call('SADD', running, id)
redis.call('HSET', record, 'status', 'running', 'startedAt', now, 'position', 0, 'step', 0)
tell(id, 'started', '{"type":"started"}', false)
tellPositions()
return { 'started', run, redis.call('HGET', record, 'job') }`,

  thimbleTell: `
local id, run, kind, event, replaces = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7] == '1'
local record = recordOf(id)
if redis.call('HGET', record, 'runs') ~= run or redis.call('HGET', record, 'finishedAt') then return 'lost' end
if kind == 'step' then redis.call('HSET', record, 'step', ARGV[8], 'steps', ARGV[9]) end
-- A picture of an earlier run is this one's: it is told once.
if kind ~= 'image' or redis.call('HSETNX', record, 'image:' .. ARGV[8], ARGV[9]) == 1 then tell(id, kind, event, replaces) end
if redis.call('HGET', record, 'cancelled') then return 'cancelled' end
return 'told'`,

  thimbleEnd: `
local id, run, status, failure, event, now = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local record = recordOf(id)
if redis.call('EXISTS', record) == 0 or redis.call('HGET', record, 'finishedAt') then return end
if run ~= '' and redis.call('HGET', record, 'runs') ~= run then return end
finish(id, status, failure, event, now)`,

  thimbleCancel: `
local id, failure, event, now = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local record = recordOf(id)
if redis.call('EXISTS', record) == 0 or redis.call('HGET', record, 'finishedAt') then return 'over' end
if redis.call('ZSCORE', queued, id) then
  finish(id, 'cancelled', failure, event, now)
  return 'cancelled'
end
redis.call('HSET', record, 'cancelled', 1)
redis.call('PUBLISH', C .. 'cancel', id)
return 'told'`,

  thimbleReturn: `
local id, run, loss = ARGV[3], ARGV[4], ARGV[5]
local record = recordOf(id)
if redis.call('HGET', record, 'runs') ~= run or redis.call('HGET', record, 'finishedAt') then return end
if loss == '' then redis.call('HINCRBY', record, 'runs', -1) else redis.call('HSET', record, 'loss', loss) end
redis.call('SREM', running, id)
redis.call('HSET', record, 'status', 'queued', 'position', -1)
redis.call('ZADD', queued, redis.call('HGET', record, 'place'), id)
tellPositions()
redis.call('PUBLISH', C .. 'work', id)`,

  thimbleTidy: `
for _, id in ipairs(redis.call('SMEMBERS', running)) do
  if redis.call('EXISTS', recordOf(id)) == 0 then redis.call('SREM', running, id) end
end
tellPositions()`,
} as const;

/** The name of a script. */
export type JobScript = keyof typeof SCRIPTS;

/** All scripts, whole. */
export const jobScripts = Object.entries(SCRIPTS).map(([name, script]) => ({
  name: name as JobScript,
  lua: PRELUDE + script,
}));
