package http1

import (
	"sync"
	"time"
)

// pool keeps unused connections by host, the latest used on top. Their age is
// looked at when one is taken and by one timer for all.
type pool struct {
	mu     sync.Mutex
	hosts  map[target][]*conn
	n      int
	sweep  *time.Timer
	closed bool
}

// take returns a kept connection, nil when there is none. Whether the other side has
// closed it is looked at here, unless sending does.
func (p *pool) take(to target, now time.Time, keep time.Duration) *conn {
	for {
		c := p.pop(to)
		if c == nil {
			return nil
		}
		if now.Sub(c.idleSince) < keep && (c.asks() || c.idle()) {
			c.reused = true
			return c
		}
		c.leave()
	}
}

func (p *pool) pop(to target) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = false
	list := p.hosts[to]
	if len(list) == 0 {
		return nil
	}
	last := len(list) - 1
	c := list[last]
	list[last] = nil
	p.hosts[to] = list[:last]
	p.n--
	return c
}

// put keeps a connection, or closes it when there are enough.
func (p *pool) put(c *conn) {
	if !p.push(c) {
		c.leave()
	}
}

func (p *pool) push(c *conn) bool {
	o := c.owner
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.hosts[c.to]
	if p.closed || p.n >= o.MaxIdle || len(list) >= o.MaxIdlePerHost {
		return false
	}
	if p.hosts == nil {
		p.hosts = map[target][]*conn{}
	}
	p.hosts[c.to] = append(list, c)
	p.n++
	if p.sweep == nil {
		p.sweep = time.AfterFunc(o.IdleTimeout, func() { p.expire(o.IdleTimeout) })
	}
	return true
}

// expire closes what is too old and comes back when the next may be.
func (p *pool) expire(keep time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sweep == nil {
		return
	}
	now := time.Now()
	oldest := now
	for to, list := range p.hosts {
		fresh := 0
		for fresh < len(list) && now.Sub(list[fresh].idleSince) >= keep {
			list[fresh].leave()
			fresh++
		}
		p.n -= fresh
		if fresh == len(list) {
			delete(p.hosts, to)
			continue
		}
		// A new list: the old one may be far larger than what is left.
		p.hosts[to] = append([]*conn(nil), list[fresh:]...)
		if first := list[fresh].idleSince; first.Before(oldest) {
			oldest = first
		}
	}
	if p.n == 0 {
		p.sweep = nil
		return
	}
	p.sweep.Reset(max(keep-now.Sub(oldest), keep/16))
}

func (p *pool) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, list := range p.hosts {
		for _, c := range list {
			c.leave()
		}
	}
	p.hosts, p.n, p.closed = nil, 0, true
	if p.sweep != nil {
		p.sweep.Stop()
		p.sweep = nil
	}
}
