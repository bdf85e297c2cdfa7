# The two commands are `make demo` and `make test`; the rest are their parts.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO ?= cargo
STEP = @printf '\n\033[1m── %s\033[0m\n'

.PHONY: demo test soak bench build console city tools peers fmt clippy rust-test city-test console-test deny fuzz

demo: console city
	$(STEP) "building sanfang (first time: some minutes)"
	$(CARGO) build --release --locked -p server
	$(CARGO) run --release --locked -q -p server -- demo $(DEMO)

test: peers fmt console city clippy city-test console-test rust-test

soak: peers console city
	SANFANG_SOAK=1 $(CARGO) test --release --locked -p server --test pipeline kill -- --nocapture

bench: console city
	$(CARGO) run --release --locked -q -p server -- bench $(BENCH)

build: console
	$(CARGO) build --release --locked -p server

console:
	$(STEP) "console: install and build"
	cd console && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; } && npm run --silent build

city:
	$(STEP) "demo city and its storm"
	node testdata/generate.mjs
	node testdata/storm.mjs rainstorm --city testdata/city --out testdata/out/rainstorm.ndjson

# System packages, Node and Python peers that the tests talk to.
peers:
	$(STEP) "test peers"
	deploy/test-peers.sh

fmt:
	$(STEP) "format"
	$(CARGO) fmt --all --check

clippy:
	$(STEP) "clippy, warnings denied"
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

city-test:
	$(STEP) "demo city and naive model"
	node --test testdata/

console-test: console
	$(STEP) "console: types and unit tests"
	cd console && npm run --silent check && npm run --silent test && npm run --silent e2e

rust-test:
	$(STEP) "Rust tests"
	$(CARGO) test --workspace --locked --no-fail-fast

deny:
	$(CARGO) deny check
