# The two commands are `make demo` and `make test`; the rest are their parts.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
CARGO ?= cargo
STEP = @printf '\n\033[1m── %s\033[0m\n'

.PHONY: demo test soak simulate bench compare-targeting build console city tools peers fmt clippy rust-test city-test console-test deny deploy-check fuzz expected \
        libs kafka-up kafka-down kafka-smoke

demo: libs console city
	$(STEP) "building sanfang (first time: some minutes)"
	$(CARGO) build --release --locked -p server
	$(CARGO) run --release --locked -q -p server -- demo $(DEMO)

test: libs peers fmt console city clippy deny deploy-check city-test console-test rust-test

# The long ones: kills while the storm runs, and a hundred times the mutations of each corpus.
KILLS ?= 100
soak: libs peers console city
	SANFANG_SOAK=$(KILLS) deploy/kafka/kafka.sh run $(CARGO) test --release --locked --workspace --test pipeline --test corpus -- --nocapture kill corpora storm_over

# Seeds of the simulated service, from..to; what fails is kept in server/src/simulation/seeds.txt.
SEEDS ?= 0..10000
simulate: console
	SANFANG_SEEDS=$(SEEDS) CARGO_PROFILE_DEV_OPT_LEVEL=2 $(CARGO) test --locked --workspace --lib -- --nocapture --ignored --exact simulation::simulate

bench: libs console city
	node testdata/storm.mjs bench --city testdata/city --write-city testdata/out/bench-city --out testdata/out/bench.ndjson
	$(CARGO) run --release --locked -q -p server -- bench $(BENCH)

# The same drawn places over the same million people in PostGIS; skips with a word where that cannot be installed.
compare-targeting: libs console city
	$(CARGO) build --release --locked -q -p server
	node deploy/compare-targeting.mjs "$${CARGO_TARGET_DIR:-target}/release/sanfang"

build: libs console
	$(CARGO) build --release --locked -p server

console:
	$(STEP) "console: install and build"
	cd console && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; } && npm run --silent build

city:
	$(STEP) "demo city and its storms"
	node testdata/generate.mjs
	for storm in rainstorm typhoon; do node testdata/storm.mjs $$storm --out testdata/out/$$storm.ndjson; done

# What the demo must bring out, by the naive model: minutes.
expected: city
	for storm in rainstorm typhoon; do \
	  { sed -n '/^#/p' testdata/expected/$$storm.txt; node testdata/naive/naive.mjs --city testdata/city --peaks testdata/out/$$storm.ndjson; } >testdata/out/expected.txt; \
	  mv testdata/out/expected.txt testdata/expected/$$storm.txt; \
	done

# Headers that librdkafka is built with.
libs:
	@deploy/build-libs.sh

# System packages, Node and Python peers that the tests talk to.
peers:
	$(STEP) "test peers"
	deploy/test-peers.sh

# A real Apache Kafka of three brokers on loopback, for as long as one wants it; deploy/kafka/README.md.
kafka-up: peers
	$(STEP) "Kafka: three brokers"
	deploy/kafka/kafka.sh up

kafka-down:
	deploy/kafka/kafka.sh down

kafka-smoke: peers
	$(STEP) "Kafka: what the cluster promises"
	deploy/kafka/smoke.sh

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

# What failed is said once more at the very end, where it is looked for. Kafka is there while the tests
# run and not while they are compiled.
TEST_LOG := $(or $(CARGO_TARGET_DIR),target)/rust-test.log
rust-test:
	$(STEP) "Rust tests"
	@mkdir -p $(dir $(TEST_LOG))
	@$(CARGO) test --workspace --locked --no-run
	@deploy/kafka/kafka.sh run $(CARGO) test --workspace --locked --no-fail-fast 2>&1 | tee $(TEST_LOG) || \
	  { printf '\nfailed:\n'; grep -a -A1 -E "^test .* FAILED|^thread .* panicked at" $(TEST_LOG) | cut -c1-240 | tail -n 40; exit 1; }

deny:
	$(STEP) "licences, sources and banned crates"
	deploy/cargo-deny.sh

# Image, compose, Kubernetes, systemd, Prometheus, Grafana: checked, not started.
deploy-check:
	$(STEP) "what lies in deploy/"
	deploy/check.sh

# Coverage-guided search for inputs that break a parser, with the ordinary compiler. TARGET names one
# of fuzz/corpus, TIME is seconds for each. What it learns stays outside the clone's corpus.
TIME ?= 60
TARGET ?= $(notdir $(wildcard fuzz/corpus/*))
FUZZ_DIR := $(or $(CARGO_TARGET_DIR),target)/fuzz

fuzz: console
	$(STEP) "fuzz: $(words $(TARGET)) targets, $(TIME) s each"
	RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/fuzz/rustc.sh $(CARGO) build --workspace --locked --features fuzz/libfuzzer --bin fuzz
	for target in $(TARGET); do \
	  mkdir -p $(FUZZ_DIR)/learnt/$$target $(FUZZ_DIR)/failed; \
	  TARGET=$$target $(FUZZ_DIR)/../debug/fuzz -max_total_time=$(TIME) -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 \
	    -artifact_prefix=$(FUZZ_DIR)/failed/$$target- $(FUZZ_DIR)/learnt/$$target fuzz/corpus/$$target; \
	done
