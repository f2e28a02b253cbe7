# Everything a contributor runs. `make` alone lists the targets.

CARGO ?= cargo

.PHONY: help setup demo test lint bench fuzz

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## install what tests and demo need (Go into .toolchains/; no root; quick when done)
	@scripts/setup

demo: ## diagnose a bundled capture, then a Go program built and profiled here
	@scripts/demo

test: setup lint ## all checks: format, clippy, tests, docs
	$(CARGO) test --locked --workspace
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

lint: ## format and clippy, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

bench: ## benchmarks, with `go tool pprof` beside them where Go is present
	@scripts/bench

fuzz: ## each fuzz target for FUZZ_SECONDS (default 60)
	@scripts/fuzz
