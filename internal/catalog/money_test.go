package catalog

import (
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestMoneyPrintsAsPythonPrintsAFloat(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0.0", "0.000171": "0.000171", "0.000036": "3.6e-05", "3.6e-05": "3.6e-05", "0.0001": "0.0001",
		"0.00001": "1e-05", "1e-12": "1e-12", "1": "1.0", "12.5": "12.5", "1234567.891": "1234567.891",
		"100": "100.0", "0.5": "0.5", "-0.25": "-0.25", "-1e-7": "-1e-07", "1E-7": "1e-07", "6.02e-06": "6.02e-06",
	} {
		m, ok := ParseMoney(text)
		if !ok || m.String() != want {
			t.Errorf("%s prints as %q, want %q (%v)", text, m, want, ok)
		}
	}
}

func TestMoneyRoundsHalfToEvenBeyondPicoDollars(t *testing.T) {
	for text, want := range map[string]Money{
		"0.0000000000005": 0, "0.0000000000015": 2, "0.00000000000250": 2, "0.00000000000251": 3,
		"9.750000000000001e-05": 97_500_000, "1e-400": 0, "0.0000000000004999999999999999999999": 0,
		"5.0000000000000004E-8": 50_000,
	} {
		if got, ok := ParseMoney(text); !ok || got != want {
			t.Errorf("%s = %d, want %d (%v)", text, int64(got), want, ok)
		}
	}
}

func TestWhatIsNoAmountIsRefused(t *testing.T) {
	for _, text := range []string{"", "-", "e5", "1e", "1e999999", "1.2.3", "abc", "0x10", "1e400", "99999999999", "NaN", "+1", "--1", ".", strings.Repeat("1", 500)} {
		if m, ok := ParseMoney(text); ok {
			t.Errorf("%q was read as %s", text, m)
		}
	}
}

func TestAbsurdCountsSaturateInsteadOfWrapping(t *testing.T) {
	var a amount
	for range 100 {
		a.add(math.MaxInt64, math.MaxInt64)
	}
	if got := a.money(); got != math.MaxInt64 {
		t.Errorf("sum = %d", got)
	}
	if got := Money(math.MaxInt64).plus(1); got != math.MaxInt64 {
		t.Errorf("plus = %d", got)
	}
	var none amount
	none.add(-5, 10)
	none.add(5, -10)
	if none.money() != 0 {
		t.Error("a negative count costs something")
	}
	if Money(math.MinInt64).String() != "-9223372.036854775808" {
		t.Errorf("smallest money = %s", Money(math.MinInt64))
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"0.000171", "3.6e-05", "1e-12", "-2", "9223372.036854775807", "1.41953125E-7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := ParseMoney(text)
		if !ok {
			return
		}
		if again, ok := ParseMoney(m.String()); len(strings.Trim(strconv.FormatUint(m.abs(), 10), "0")) <= 18 && (!ok || again != m) {
			t.Errorf("%q is %s, which reads as %d (%v)", text, m, int64(again), ok)
		}
	})
}
