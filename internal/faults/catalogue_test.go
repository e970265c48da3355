//go:build unix

package faults

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

type tests []func(*testing.T)

// upstreams, clients and locals are the picture of what is covered: the catalogue's
// numbers with their tests.
var upstreams = map[string]tests{
	"U01": {TestU01NameOfTheUpstreamIsNotResolved},
	"U02": {TestU02ConnectionRefused},
	"U03": {TestU03ConnectingIsABlackHole},
	"U04": {TestU04TLSFails},
	"U05": {TestU05NeverAnswers},
	"U06": {TestU06HeaderDrips},
	"U07": {TestU07BodyDrips},
	"U08": {TestU08ResetOnAReusedConnection},
	"U09": {TestU09ResetBeforeTheFirstEvent},
	"U10": {TestU10ResetInTheMiddle},
	"U11": {TestU11CleanEndWithoutATerminalEvent},
	"U12": {TestU12NeverEnds},
	"U13": {TestU13StreamFallsSilent},
	"U14": {TestU14UnusualServerSentEvents},
	"U15": {TestU15PayloadIsNotWhatItShouldBe, TestU15AnswerUnderAnotherType, TestU15AnswerOfTheOtherKind},
	"U16": {TestU16HugeLine},
	"U17": {TestU17HugeAnswer},
	"U18": {TestU18SplitAnywhere},
	"U19": {TestU19Compression, TestU19CompressionOfAnErrorThatIsNotKnown},
	"U20": {TestU20Framing, TestU20AnswerIsWholeBeforeItsFramingBreaks, TestU20ConnectionIsNotReusedAfterABrokenAnswer},
	"U21": {TestU21InterimAnswers},
	"U22": {TestU22Redirects},
	"U23": {TestU23ErrorsOfTheUpstream, TestU23ErrorsOfOtherFormatsWithinAStream, TestU23OneRefusalDoesNotGiveUpTheSecondAPI},
	"U24": {TestU24RetryAfter},
	"U25": {TestU25HTTP2, TestU25RequestsBehindTheLastOneOfAGOAWAYAreSentAgain},
	"U26": {TestU26Headers},
	"U27": {TestU27Usage},
	"U28": {TestU28ToolCalls, TestU28NamesOfCalls},
}

var clients = map[string]tests{
	"C01": {TestC01LeavesBeforeTheAnswer},
	"C02": {TestC02LeavesInTheMiddleOfAStream},
	"C03": {TestC03LeavesInTheMiddleOfAWholeAnswer},
	"C04": {TestC04ReadsNothing},
	"C05": {TestC05HeaderDrips},
	"C06": {TestC06BodyStalls},
	"C07": {TestC07GiantBody, TestC07GiantBodyOverTLS},
	"C08": {TestC08DeepNesting},
	"C09": {TestC09AmbiguousKeys},
	"C10": {TestC10BadText},
	"C11": {TestC11WrongTypes},
	"C12": {TestC12FramingThatTwoParsersReadDifferently},
	"C13": {TestC13CompressedBody},
	"C14": {TestC14Multipart},
	"C15": {TestC15IdleConnections, TestC15ConnectionsBeyondTheLimit, TestC15ConnectionsBeyondTheLimitOverTLS, TestC15RapidResets},
	"C16": {TestC16IdenticalRequestsAtTheEdgeOfALimit},
}

var locals = map[string]tests{
	"L01": {TestL01DatabaseLocked},
	"L02": {TestL02DiskFull},
	"L03": {TestL03ReadOnlyFileSystem},
	"L04": {TestL04DatabaseIsMissingCorruptOrNewer},
	"L08": {TestL08KilledAtAnyInstant},
	"L09": {TestL09SIGTERMWithLiveStreams, TestL09SecondSIGTERMEndsAtOnce},
	"L10": {TestL10BadConfiguration},
	"L11": {TestL11NoRequestFailsDuringReloads},
	"L12": {TestL12ClockJumps},
	"L13": {TestL13NoDescriptorsLeft},
	"L14": {TestL14LargeRequestsAreShedBeforeMemoryRunsOut},
	"L15": {TestL15Panics},
	"L16": {TestL16LogIsBlocked},
}

// later come with PostgreSQL.
var later = []string{"L05", "L06", "L07"}

func TestEveryFaultOfTheCatalogueHasItsCase(t *testing.T) {
	for letter, of := range map[string]struct {
		count int
		tests map[string]tests
	}{"U": {28, upstreams}, "C": {16, clients}, "L": {16, locals}} {
		for n := range of.count {
			number := fmt.Sprintf("%s%02d", letter, n+1)
			if len(of.tests[number]) == 0 && !slices.Contains(later, number) {
				t.Errorf("%s has no test", number)
			}
		}
		for number, list := range of.tests {
			for _, f := range list {
				name := runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
				if !strings.Contains(name, ".Test"+number) {
					t.Errorf("%s stands for %s", name, number)
				}
			}
		}
	}
}
