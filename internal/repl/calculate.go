package repl

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

const (
	maxExpression = 1000 // bytes
	maxNesting    = 100  // parentheses and signs
	maxExponent   = 1000
	maxBits       = 20000 // of a number's numerator or denominator
	maxDecimals   = 12    // shown of a number that has no end
)

// Calculate computes an expression of numbers, + - * / % ^ and parentheses in exact
// fractions and returns it as a decimal number.
func Calculate(expression string) (string, error) {
	if len(expression) > maxExpression {
		return "", fmt.Errorf("the expression is longer than %d characters", maxExpression)
	}
	c := &calculation{rest: expression}
	result, err := c.sum()
	if err == nil && c.peek() != 0 {
		err = fmt.Errorf("%q is not understood", c.rest[:min(len(c.rest), 20)])
	}
	if err != nil {
		return "", err
	}
	return decimal(result), nil
}

// decimal writes all digits of a number that ends, else maxDecimals of them.
func decimal(r *big.Rat) string {
	digits, exact := r.FloatPrec()
	if !exact || digits > maxDecimals*4 {
		digits = maxDecimals
	}
	s := r.FloatString(digits)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// calculation is a descent over the text: sum, product, power, value.
type calculation struct {
	rest  string
	depth int
}

func (c *calculation) peek() byte {
	c.rest = strings.TrimLeft(c.rest, " \t\n")
	if c.rest == "" {
		return 0
	}
	return c.rest[0]
}

func (c *calculation) sum() (*big.Rat, error) {
	left, err := c.product()
	for err == nil {
		op := c.peek()
		if op != '+' && op != '-' {
			return left, nil
		}
		c.rest = c.rest[1:]
		var right *big.Rat
		if right, err = c.product(); err != nil {
			break
		}
		if op == '-' {
			right.Neg(right)
		}
		left, err = bounded(left.Add(left, right))
	}
	return nil, err
}

func (c *calculation) product() (*big.Rat, error) {
	left, err := c.power()
	for err == nil {
		op := c.peek()
		if op != '*' && op != '/' && op != '%' {
			return left, nil
		}
		c.rest = c.rest[1:]
		var right *big.Rat
		if right, err = c.power(); err != nil {
			break
		}
		left, err = combine(op, left, right)
	}
	return nil, err
}

func combine(op byte, left, right *big.Rat) (*big.Rat, error) {
	if op == '*' {
		return bounded(left.Mul(left, right))
	}
	if right.Sign() == 0 {
		return nil, errors.New("division by zero")
	}
	quotient := new(big.Rat).Quo(left, right)
	if op == '/' {
		return bounded(quotient)
	}
	whole := new(big.Int).Div(quotient.Num(), quotient.Denom())
	return bounded(left.Sub(left, right.Mul(right, new(big.Rat).SetInt(whole))))
}

// power is right-associative and binds stronger than a sign before it.
func (c *calculation) power() (*big.Rat, error) {
	if c.depth++; c.depth > maxNesting {
		return nil, errors.New("the expression is nested too deeply")
	}
	defer func() { c.depth-- }()
	if op := c.peek(); op == '-' || op == '+' {
		c.rest = c.rest[1:]
		r, err := c.power()
		if err == nil && op == '-' {
			r.Neg(r)
		}
		return r, err
	}
	base, err := c.value()
	if err != nil || c.peek() != '^' {
		return base, err
	}
	c.rest = c.rest[1:]
	exponent, err := c.power()
	if err != nil {
		return nil, err
	}
	return raise(base, exponent)
}

func raise(base, exponent *big.Rat) (*big.Rat, error) {
	if !exponent.IsInt() || !exponent.Num().IsInt64() {
		return nil, errors.New("an exponent must be a whole number")
	}
	n := exponent.Num().Int64()
	if n > maxExponent || n < -maxExponent {
		return nil, fmt.Errorf("an exponent must be between -%[1]d and %[1]d", maxExponent)
	}
	if n < 0 {
		if base.Sign() == 0 {
			return nil, errors.New("division by zero")
		}
		base, n = base.Inv(base), -n
	}
	out := big.NewRat(1, 1)
	for range n {
		var err error
		if out, err = bounded(out.Mul(out, base)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *calculation) value() (*big.Rat, error) {
	if c.peek() == '(' {
		c.rest = c.rest[1:]
		r, err := c.sum()
		if err != nil {
			return nil, err
		}
		if c.peek() != ')' {
			return nil, errors.New("a parenthesis is not closed")
		}
		c.rest = c.rest[1:]
		return r, nil
	}
	n := 0
	for n < len(c.rest) && (c.rest[n] >= '0' && c.rest[n] <= '9' || c.rest[n] == '.') {
		n++
	}
	r, ok := new(big.Rat).SetString(c.rest[:n])
	if !ok {
		return nil, fmt.Errorf("a number is expected before %q", c.rest[:min(len(c.rest), 20)])
	}
	c.rest = c.rest[n:]
	return r, nil
}

// bounded refuses numbers that no answer has room for.
func bounded(r *big.Rat) (*big.Rat, error) {
	if r.Num().BitLen() > maxBits || r.Denom().BitLen() > maxBits {
		return nil, errors.New("the number is too large")
	}
	return r, nil
}
