package redis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fairlead-gateway/fairlead/internal/route"
)

// spend: KEYS a budget; ARGV what a node knows of it: spent, since (ms), period (ms) and
// what of spent it has not told. It returns what all nodes have spent, and since when;
// since is 0 when no period runs. A server that has forgotten takes over what the first
// node knows. Amounts stay text: they are more than the numbers of Lua hold.
var spend = redis.NewScript(clock + `
local since = tonumber(redis.call('HGET', KEYS[1], 'since') or 0)
local period, more = tonumber(ARGV[3]), ARGV[4]
if since == 0 or since + period <= now then
  since = math.min(tonumber(ARGV[2]), now)
  if since <= 0 or since + period <= now then return {'0', 0} end
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'since', since, 'spent', ARGV[1])
elseif more ~= '0' then
  redis.call('HINCRBY', KEYS[1], 'spent', more)
end
redis.call('PEXPIRE', KEYS[1], since + period - now)
return {redis.call('HGET', KEYS[1], 'spent'), since}
`)

// spendKey is the key of a budget, whose name may be any text.
func (s *Server) spendKey(of string) string {
	sum := sha256.Sum256([]byte(of))
	return s.namespace + "spend:" + hex.EncodeToString(sum[:16])
}

// Spend tells what this node has spent of budgets and returns, in the same order, what all
// nodes together have.
func (s *Server) Spend(ctx context.Context, list []route.Spending) ([]route.Spending, error) {
	cmds, err := s.pipeline(ctx, spend, len(list), func(i int) ([]string, []any) {
		b := &list[i]
		since := int64(0)
		if !b.Since.IsZero() {
			since = b.Since.UnixMilli()
		}
		return []string{s.spendKey(b.Of)}, []any{
			strconv.FormatInt(b.Spent, 10), since, b.Period.Milliseconds(), strconv.FormatInt(b.Untold, 10),
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]route.Spending, len(list))
	for i, cmd := range cmds {
		if out[i], err = readSpending(list[i], cmd); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readSpending(told route.Spending, cmd *redis.Cmd) (route.Spending, error) {
	got, err := cmd.Slice()
	if err != nil {
		return told, late(err)
	}
	if len(got) != 2 {
		return told, errStrange
	}
	text, _ := got[0].(string)
	spent, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return told, errStrange
	}
	all := route.Spending{Of: told.Of, Spent: spent, Period: told.Period}
	if since := number(got[1]); since > 0 {
		all.Since = time.UnixMilli(since)
	}
	return all, nil
}
