package redis

import "github.com/redis/go-redis/v9"

// The counts of a deployment are two keys. Its rate is a hash: the minute m, and for
// each node the requests r:NODE and tokens t:NODE of that minute, so that a node which
// the server has forgotten can put its own right. Its leases are a sorted set of calls
// in flight by the time at which they end without news. The server's clock decides.

// clock and rate begin the scripts that count.
const (
	clock = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`
	rate = clock + `
local minute = math.floor(t[1] / 60)
local stored = tonumber(redis.call('HGET', KEYS[1], 'm'))
local function open()
  if stored ~= minute then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'm', minute)
    redis.call('PEXPIRE', KEYS[1], 120000)
    stored = minute
  end
end
`
)

var (
	// admit: KEYS rate, leases; ARGV node, lease, parallel, requests, tokens (limits),
	// tokens, ms that a lease holds, leases that were given back. It returns refused, full, requests, tokens, now.
	admit = redis.NewScript(rate + `
local requests, tokens = 0, 0
if stored == minute then
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local kind = string.sub(all[i], 1, 2)
    if kind == 'r:' then requests = requests + all[i + 1] end
    if kind == 't:' then tokens = tokens + math.max(0, all[i + 1]) end
  end
end
local parallel, most, limit, more = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local full = 0
for i = 8, #ARGV do redis.call('ZREM', KEYS[2], ARGV[i]) end
if parallel > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
  if redis.call('ZCARD', KEYS[2]) >= parallel then full = 1 end
end
if full == 1 or (most > 0 and requests >= most) or (limit > 0 and tokens + more > limit) then
  return {1, full, requests, tokens, now}
end
if most > 0 or limit > 0 then
  open()
  redis.call('HINCRBY', KEYS[1], 'r:' .. ARGV[1], 1)
  if limit > 0 and more > 0 then redis.call('HINCRBY', KEYS[1], 't:' .. ARGV[1], more) end
end
if parallel > 0 then
  redis.call('ZADD', KEYS[2], now + ARGV[7], ARGV[2])
  redis.call('PEXPIRE', KEYS[2], 10 * ARGV[7])
end
return {0, 0, requests + 1, tokens + more, now}
`)

	// settle: KEYS rate, leases; ARGV node, lease, minute, reserved, used.
	settle = redis.NewScript(rate + `
if ARGV[2] ~= '' then redis.call('ZREM', KEYS[2], ARGV[2]) end
local more = tonumber(ARGV[5])
if tonumber(ARGV[3]) == minute then more = more - ARGV[4] end
if more ~= 0 then
  open()
  redis.call('HINCRBY', KEYS[1], 't:' .. ARGV[1], more)
end
return 1
`)

	// report: KEYS rate, leases; ARGV node, minute, requests, tokens, ms of a lease,
	// leases. A node counts a request only when its answer is there, so the server may
	// know of more.
	report = redis.NewScript(rate + `
local requests = tonumber(ARGV[3])
if tonumber(ARGV[2]) == minute and requests > 0 then
  open()
  local known = tonumber(redis.call('HGET', KEYS[1], 'r:' .. ARGV[1])) or 0
  redis.call('HSET', KEYS[1], 'r:' .. ARGV[1], math.max(known, requests))
  redis.call('HSET', KEYS[1], 't:' .. ARGV[1], ARGV[4])
end
for i = 6, #ARGV do redis.call('ZADD', KEYS[2], now + ARGV[5], ARGV[i]) end
if #ARGV > 5 then redis.call('PEXPIRE', KEYS[2], 10 * ARGV[5]) end
return 1
`)

	// beat: KEYS nodes, resting; ARGV node, ms that a node lives. It returns now, known,
	// nodes, and pairs of a deployment and until when it rests.
	beat = redis.NewScript(clock + `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local known = redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1]) == 0 and 1 or 0
redis.call('PEXPIRE', KEYS[1], 10 * ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local out = {now, known, redis.call('ZCARD', KEYS[1])}
for _, v in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[2], '+inf', now, 'WITHSCORES', 'LIMIT', 0, 1000)) do
  out[#out + 1] = v
end
return out
`)

	// cool: KEYS resting; ARGV pairs of a deployment and ms, 0 or less for one that
	// rests no longer. At most 10,000 are kept, those that rest longest.
	cool = redis.NewScript(clock + `
for i = 1, #ARGV, 2 do
  local left = tonumber(ARGV[i + 1])
  local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or 0)
  if left <= 0 then
    redis.call('ZREM', KEYS[1], ARGV[i])
  elseif now + left > known then
    redis.call('ZADD', KEYS[1], now + left, ARGV[i])
    redis.call('PEXPIRE', KEYS[1], math.max(left + 1000, redis.call('PTTL', KEYS[1])))
  end
end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -10001)
return 1
`)

	// deleted: KEYS deleted; ARGV what. A day is kept, and at most 10,000.
	deleted = redis.NewScript(clock + `
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 86400000)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -10001)
redis.call('PEXPIRE', KEYS[1], 86400000)
return 1
`)

	scripts = []*redis.Script{admit, settle, report, beat, cool, deleted, spend}
)
