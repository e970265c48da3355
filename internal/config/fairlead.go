package config

import "time"

// FairleadSettings is the root key fairlead_settings: what LiteLLM does not
// have. Everything has a safe default; an empty section is the normal case.
type FairleadSettings struct {
	// AllowMissingHooks starts the gateway although the file asks for a
	// guardrail or custom_auth that cannot run here.
	AllowMissingHooks bool
	// DataDir is where SQLite files keep what shall survive a restart; ""
	// keeps everything in memory.
	DataDir string
	// ExposeAPIBase sends x-litellm-model-api-base, which shows the upstream
	// URL to clients.
	ExposeAPIBase bool

	// ConnectTimeout limits dialling, TLSTimeout the TLS handshake after it.
	ConnectTimeout, TLSTimeout time.Duration
	// ResponseHeaderTimeout limits the wait for the header of an answer, connecting
	// included; 0 is no limit of its own.
	ResponseHeaderTimeout time.Duration
	// FirstTokenTimeout limits the time until a stream says anything, and
	// BetweenTokensTimeout the time until it says more; 0 is no limit.
	FirstTokenTimeout, BetweenTokensTimeout time.Duration
	// CommitRate is how many tokens a second a stream has to bring within CommitWindow of
	// its first before its answer begins, where another deployment could answer instead; 0
	// lets it begin with the first token.
	CommitRate   float64
	CommitWindow time.Duration
	// TotalTimeout limits a whole call; a deployment's own timeout wins.
	TotalTimeout time.Duration
	// IdleTimeout limits the silence of an upstream within an answer, in which not
	// even a keepalive comes.
	IdleTimeout time.Duration
	// PingInterval is the silence in a stream after which its client gets a
	// keepalive; 0 sends none.
	PingInterval time.Duration
	// FirstPingAfter is how long a stream without an answer waits for its first
	// keepalive, which decides its status; 0 sends none before the answer.
	FirstPingAfter time.Duration
	// DrainTimeout is how long open requests may take after SIGTERM.
	DrainTimeout time.Duration

	// MaxBodyBytes limits a request body.
	MaxBodyBytes int64
	// MaxResponseBytes limits an upstream answer that is not a stream.
	MaxResponseBytes int64
	// MaxEventBytes limits one event of an upstream stream.
	MaxEventBytes int64
	// MaxStreamBytes limits a whole upstream stream.
	MaxStreamBytes int64
	// MaxConnections limits open connections of clients; 0 means no limit.
	MaxConnections int
	// MaxConcurrent limits requests in flight; 0 means no limit.
	MaxConcurrent int
	// AllowMockTesting lets clients feign failures (mock_testing_fallbacks …).
	AllowMockTesting bool
	// ContinueMidStream lets another deployment go on with a stream that breaks off.
	ContinueMidStream bool
	// HedgeAfter says by group after which silence of a deployment another one is asked
	// beside it; "*" stands for the groups that are not named.
	HedgeAfter map[string]Hedge
	// Affinity lets a conversation prefer the deployment that answered it before.
	Affinity bool
	// MaxQueue is how many requests of a group may wait for a deployment whose
	// max_parallel_requests are in flight, and MaxQueueWait how long; 0 is not at all.
	MaxQueue     int
	MaxQueueWait time.Duration

	// MediaAllowedHosts may be fetched for images and files although they are
	// private addresses.
	MediaAllowedHosts []string
	// MediaMaxBytes limits one fetched image or file.
	MediaMaxBytes int64
	// MediaTimeout limits one fetch.
	MediaTimeout time.Duration
	// MediaMaxCount limits fetches of one request.
	MediaMaxCount int

	// RedisTimeout limits what a request waits for the server that nodes share their
	// state through.
	RedisTimeout time.Duration

	// ReasoningMaxBytes bounds the memory of the reasoning-state keeper.
	ReasoningMaxBytes int64
	// ReasoningTTL is how long reasoning state is remembered.
	ReasoningTTL time.Duration
}

// Hedge is a value of hedge_after: a time, or the 95th percentile of what the deployment
// takes.
type Hedge struct {
	After time.Duration
	P95   bool
}

const mebibyte = 1 << 20

// DefaultFairleadSettings returns the values that hold when the file says
// nothing.
func DefaultFairleadSettings() FairleadSettings {
	return FairleadSettings{
		ConnectTimeout:    5 * time.Second,
		TLSTimeout:        5 * time.Second,
		CommitWindow:      time.Second,
		TotalTimeout:      600 * time.Second,
		IdleTimeout:       300 * time.Second,
		PingInterval:      5 * time.Second,
		FirstPingAfter:    30 * time.Second,
		DrainTimeout:      30 * time.Second,
		MaxBodyBytes:      100 * mebibyte,
		MaxResponseBytes:  100 * mebibyte,
		MaxEventBytes:     16 * mebibyte,
		MaxStreamBytes:    1024 * mebibyte,
		MaxConnections:    16384,
		Affinity:          true,
		MaxQueue:          100,
		MaxQueueWait:      10 * time.Second,
		MediaMaxBytes:     20 * mebibyte,
		MediaTimeout:      10 * time.Second,
		MediaMaxCount:     32,
		RedisTimeout:      250 * time.Millisecond,
		ReasoningMaxBytes: 64 * mebibyte,
		ReasoningTTL:      24 * time.Hour,
	}
}
