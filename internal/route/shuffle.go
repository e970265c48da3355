package route

import "time"

// shuffle is LiteLLM's simple-shuffle: at random, by weight where a deployment
// has one, else by rpm, else by tpm. One without a weight then gets nothing; rpm
// and tpm count only when all have it, so that a single limit starves nobody.
type shuffle struct{}

func (shuffle) passes() string { return PassedShuffle }

func (shuffle) pick(p *Plan, candidates []*member, _ time.Time) int {
	for i, share := range shares {
		total, all := sum(candidates, share)
		if total > 0 && (all || i == 0) {
			return draw(candidates, share, total*p.table.rand())
		}
	}
	return int(p.table.rand() * float64(len(candidates)))
}

// shares are the measures by which requests are shared out, first given wins.
var shares = [...]func(*Deployment) float64{
	func(d *Deployment) float64 { return d.Weight },
	func(d *Deployment) float64 { return float64(d.RPM) },
	func(d *Deployment) float64 { return float64(d.TPM) },
}

// sum adds up a measure, and reports whether every candidate has it. Negative
// values count as 0.
func sum(candidates []*member, share func(*Deployment) float64) (total float64, all bool) {
	all = true
	for _, m := range candidates {
		width := max(0, share(m.Deployment))
		total += width
		all = all && width > 0
	}
	return total, all
}

// draw returns the candidate at point of the line on which each takes its share.
func draw(candidates []*member, share func(*Deployment) float64, point float64) int {
	last := 0
	for i, m := range candidates {
		width := max(0, share(m.Deployment))
		if width == 0 {
			continue
		}
		if point < width {
			return i
		}
		point -= width
		last = i
	}
	return last
}
