package catalog

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Money is an exact amount in pico-USD (10⁻¹² dollars), so that ±9.2 million dollars
// fit and every price per token that vendors publish multiplies without rounding.
type Money int64

const (
	moneyDecimals = 12
	// rateDecimals is the precision of a price for one unit: femto-USD, three digits
	// finer than Money, for prices such as 1.41953125e-07 a token.
	rateDecimals = 15
	ratePerMoney = 1000
)

// USD is one dollar.
const USD Money = 1e12

// ParseMoney reads a decimal amount of dollars, such as "0.000171" or "3.6e-05",
// rounding half to even beyond pico-dollars.
func ParseMoney(text string) (Money, bool) {
	v, ok := parseScaled(text, moneyDecimals)
	return Money(v), ok
}

// String writes dollars in the manner of LiteLLM's headers (the repr of a Python
// float): 0.000171, 3.6e-05, 0.0, 12.5.
func (m Money) String() string {
	if m == 0 {
		return "0.0"
	}
	sign, digits := "", strconv.FormatUint(m.abs(), 10)
	if m < 0 {
		sign = "-"
	}
	exponent := len(digits) - 1 - moneyDecimals
	digits = strings.TrimRight(digits, "0")
	if exponent < -4 {
		return sign + scientific(digits, exponent)
	}
	return sign + positional(digits, exponent)
}

func (m Money) abs() uint64 {
	if m < 0 {
		return uint64(-(m + 1)) + 1
	}
	return uint64(m)
}

// scientific writes d.ddde-0x with the two exponent digits that Python uses.
func scientific(digits string, exponent int) string {
	mantissa := digits[:1]
	if len(digits) > 1 {
		mantissa += "." + digits[1:]
	}
	e := strconv.Itoa(-exponent)
	if len(e) < 2 {
		e = "0" + e
	}
	return mantissa + "e-" + e
}

func positional(digits string, exponent int) string {
	if exponent < 0 {
		return "0." + strings.Repeat("0", -exponent-1) + digits
	}
	whole := exponent + 1
	if len(digits) <= whole {
		return digits + strings.Repeat("0", whole-len(digits)) + ".0"
	}
	return digits[:whole] + "." + digits[whole:]
}

// parseScaled reads a decimal number times 10^scale as an integer, rounding half to
// even. It answers false for anything that is no number or does not fit.
func parseScaled(text string, scale int) (int64, bool) {
	text, negative := strings.CutPrefix(strings.TrimSpace(text), "-")
	mantissa, exponent, ok := splitDecimal(text)
	if !ok {
		return 0, false
	}
	v, ok := shift(mantissa, exponent+scale)
	if !ok || v > math.MaxInt64 {
		return 0, false
	}
	if negative {
		return -int64(v), true
	}
	return int64(v), true
}

// splitDecimal reads digits[.digits][e[±]digits] into an integer and a power of ten.
// Digits beyond the eighteenth are dropped: they are below any amount of interest.
func splitDecimal(text string) (mantissa uint64, exponent int, ok bool) {
	number, power, hasPower := strings.Cut(strings.ReplaceAll(text, "E", "e"), "e")
	if hasPower {
		e, err := strconv.Atoi(power)
		if err != nil || e < -400 || e > 400 {
			return 0, 0, false
		}
		exponent = e
	}
	whole, fraction, _ := strings.Cut(number, ".")
	digits := whole + fraction
	if digits == "" || len(digits) > 400 {
		return 0, 0, false
	}
	exponent -= len(fraction)
	used := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		if used == 18 {
			exponent++
			continue
		}
		mantissa = mantissa*10 + uint64(c-'0')
		if mantissa > 0 {
			used++
		}
	}
	return mantissa, exponent, true
}

// shift multiplies by a power of ten, rounding half to even when it is negative.
func shift(v uint64, power int) (uint64, bool) {
	for ; power > 0 && v != 0; power-- {
		hi, lo := bits.Mul64(v, 10)
		if hi != 0 {
			return 0, false
		}
		v = lo
	}
	if power >= 0 || v == 0 {
		return v, true
	}
	if power < -19 {
		return 0, true
	}
	divisor := uint64(1)
	for ; power < 0; power++ {
		divisor *= 10
	}
	return divideHalfEven(v, divisor), true
}

func divideHalfEven(v, divisor uint64) uint64 {
	q, r := v/divisor, v%divisor
	if r > divisor-r || r == divisor-r && q%2 == 1 {
		q++
	}
	return q
}

// amount is a sum of counts times rates in femto-USD. Upstreams tell the counts, so
// they may be absurd: the sum must not wrap whatever they are.
type amount struct{ hi, lo uint64 }

// maxCount is where counting stops; a thousand sums of it still fit.
const maxCount = 1 << 53

// add puts count units at a rate on the amount; counts and rates below zero count as none.
func (a *amount) add(count, rate int64) {
	if count <= 0 || rate <= 0 {
		return
	}
	hi, lo := bits.Mul64(uint64(min(count, maxCount)), uint64(rate))
	var carry uint64
	a.lo, carry = bits.Add64(a.lo, lo, 0)
	a.hi, _ = bits.Add64(a.hi, hi, carry)
}

// money rounds half to even to Money, and stops at the largest Money.
func (a amount) money() Money {
	if a.hi >= ratePerMoney {
		return math.MaxInt64
	}
	q, r := bits.Div64(a.hi, a.lo, ratePerMoney)
	if r > ratePerMoney/2 || r == ratePerMoney/2 && q%2 == 1 {
		q++
	}
	if q > math.MaxInt64 {
		return math.MaxInt64
	}
	return Money(q)
}

// plus adds without wrapping: the sum stops at the largest Money.
func (m Money) plus(o Money) Money {
	if m > math.MaxInt64-o {
		return math.MaxInt64
	}
	return m + o
}

// multiply scales a rate by parts per million, rounding half to even.
func multiply(rate, ppm int64) int64 {
	hi, lo := bits.Mul64(uint64(max(rate, 0)), uint64(max(ppm, 0)))
	if hi >= million {
		return math.MaxInt64
	}
	q, r := bits.Div64(hi, lo, million)
	if r > million/2 || r == million/2 && q%2 == 1 {
		q++
	}
	if q > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(q)
}
