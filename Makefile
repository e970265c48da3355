# Two commands: make run, make test. Nothing but Go and make is needed for the first.
.DEFAULT_GOAL := help
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/fairlead-gateway/fairlead/internal/buildinfo.Version=$(VERSION)
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
TOOL := $(GO) tool -modfile=tools/go.mod
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64
ARGS ?=

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: build ## build and start the gateway on port 4000 (ARGS='--port 4001' adds flags)
	@exec bin/fairlead $(ARGS)

.PHONY: build
build: ## build bin/fairlead
	@mkdir -p bin
	@$(BUILD) -o bin/fairlead ./cmd/fairlead

.PHONY: test
test: lint race ## everything that must hold: vet, staticcheck, formatting, all tests

.PHONY: lint
lint: ## vet, staticcheck, gofumpt
	$(GO) vet ./...
	$(TOOL) staticcheck ./...
	@files=$$($(TOOL) gofumpt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$files" ]; then echo "gofumpt would change:"; echo "$$files"; exit 1; fi

# The race detector needs a C compiler. Without one, and without a way to install
# one, the tests run all the same and say so.
# Some tests need a real Redis or Valkey server. Where there is none and none can be
# installed they are left out, and the output says so; go test alone fails without one.
.PHONY: race
race: ## all tests under the race detector
	@command -v valkey-server >/dev/null || command -v redis-server >/dev/null || [ -n "$$FAIRLEAD_NO_REDIS" ] || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq redis-server >/dev/null; } || true
	@command -v cc >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq gcc libc6-dev >/dev/null; } || true
	@command -v valkey-server >/dev/null || command -v redis-server >/dev/null || { echo "no Redis or Valkey server here, and none can be installed: what nodes share is NOT TESTED"; export FAIRLEAD_NO_REDIS=1; }; \
	if command -v cc >/dev/null; then set -x; CGO_ENABLED=1 $(GO) test -race -timeout 15m ./...; \
	else echo "no C compiler here: the tests run without the race detector"; set -x; $(GO) test -timeout 15m ./...; fi

SOAK_TIME ?= 30m
.PHONY: soak
soak: ## SOAK_TIME of requests of which 30 % meet a fault, then 1,000 reloads under load
	SOAK_TIME=$(SOAK_TIME) $(GO) test -tags soak -run '^TestSoak' -v -timeout 0 ./internal/faults

.PHONY: bench
bench: ## what the gateway costs over a plain proxy, under load; writes docs/benchmarks.md (Linux, idle machine)
	$(GO) run ./bench -o docs/benchmarks.md

.PHONY: bench-micro
bench-micro: ## Go benchmarks of every stage; names what is over 10 % worse than bench/baseline.txt
	$(GO) run ./bench micro

# The suite installs its clients, and Node if there is none; Python it needs.
.PHONY: conformance
conformance: ## real clients against the gateway; writes docs/conformance.md
	@python3 -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null; } || true
	@command -v python3 >/dev/null || { [ -n "$$FAIRLEAD_CONFORMANCE_SKIP" ] || { echo "conformance: python3 is missing; install Python 3.11 or newer, or set FAIRLEAD_CONFORMANCE_SKIP=1"; exit 1; }; }
	@if command -v python3 >/dev/null; then GO='$(GO)' python3 tests/conformance/run.py; else echo "conformance: left out, because FAIRLEAD_CONFORMANCE_SKIP is set"; fi

# What an input is made shorter in counts as time too, and of a large one it takes all.
FUZZTIME ?= 10m
.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each (FUZZTIME=20s for a quick look)
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg 2>/dev/null | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$pkg || exit 1; done; done

.PHONY: release
release: ## static binaries for every platform in dist/
	@mkdir -p dist
	@for p in $(PLATFORMS); do os=$${p%/*}; arch=$${p#*/}; out=dist/fairlead-$$os-$$arch; [ $$os = windows ] && out=$$out.exe; \
	  GOOS=$$os GOARCH=$$arch $(BUILD) -o $$out ./cmd/fairlead || exit 1; ls -l $$out; done

.PHONY: docs
docs: ## write docs/configuration.md anew from the code
	$(GO) generate ./internal/config
