# Everything a contributor runs. `make` alone lists the targets.

CARGO ?= cargo
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))

.PHONY: help setup demo test lint bench accuracy corpus record-truth kernels fuzz

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## install what tests and demo need (Go into .toolchains/; no root; quick when done)
	@scripts/setup

demo: ## diagnose a bundled capture, then a Go program built and profiled here
	@scripts/demo

test: setup lint ## all checks: format, clippy, docs, tests; ends with the slowest tests
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items --all-features
	scripts/oldest
	@CARGO='$(CARGO)' scripts/test

lint: ## format and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --package flatnest --all-targets --all-features -- -D warnings
	$(CARGO) clippy --locked --package flatnest --no-default-features -- -D warnings

bench: ## diagnose against `go tool pprof -top`, record against bpftrace and perf, flatnest against other maps (an hour)
	$(CARGO) build --locked --release --package mapscope
	bench/diagnose-vs-pprof
	bench/record-overhead
	bench/flatnest/run

corpus: ## what diagnose says of profiles and traces that nobody here made, beside go tool pprof (module proxy; minutes)
	@scripts/setup
	$(CARGO) build --locked --release --package mapscope
	bench/corpus/run

accuracy: ## whether the first finding of diagnose is right on programs of other people (module proxy; a quarter of an hour)
	@scripts/setup
	$(CARGO) build --locked --release --package mapscope
	bench/accuracy/run

record-truth: ## recordings against programs that know the truth, what they cost, and 1,000 processes (root; 6 hours)
	$(CARGO) build --locked --release --package mapscope
	bench/record-truth sizes
	bench/record-truth short
	bench/record-truth bursts
	bench/record-budget
	bench/record-soak many
	MAPSCOPE_ROTATE_FOR=1m $(CARGO) test --locked --package probe --test it rotation

kernels: ## record live in other kernels, emulated: Linux 5.10 (refused), 5.15, 6.1, 6.12 (arm64 too), Debian sid's (needs qemu, rustup; an hour)
	@scripts/setup 1.23.9 1.24.11 1.27.3
	$(CARGO) build --locked --release --package mapscope
	rustup target add aarch64-unknown-linux-musl
	CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld \
		$(CARGO) build --locked --release --target aarch64-unknown-linux-musl --package mapscope
	bench/kernels

fuzz: ## every fuzz target for FUZZ_SECONDS each (default 60)
	@set -e; for target in $(FUZZ_TARGETS); do \
		echo "fuzz: $$target for $(FUZZ_SECONDS) s"; scripts/fuzz $$target $(FUZZ_SECONDS); \
	done
