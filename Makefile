# The menu: every target is one line. The kitchen is `cargo xtask`.
.DEFAULT_GOAL := help
.NOTPARALLEL:
# Builds read the committed .sqlx folder; a database is needed for `make sql` only, which starts its own.
export SQLX_OFFLINE ?= true

# ---- run (apps/puente) --------------------------------------------------------------------------
.PHONY: demo up tools bench ocr-eval
demo: ## the whole journey on this machine, with simulated providers
	cargo run --bin puente -- demo $(ARGS)
up: ## the fleet, kept running, with simulated providers
	cargo run --bin puente -- up --simulate $(ARGS)
tools: ## fetch the pinned nats-server, PostgreSQL and the models that read plates into .puente/
	cargo run --bin puente -- tools $(ARGS)
bench: ## figures of this machine, into docs/benchmarks.md: make bench ARGS=--quick
	$(MAKE) tools ARGS= && cargo run --release -p puente-bench -- $(ARGS)
ocr-eval: tools ## how well plates are read: make ocr-eval DIR=folder-with-manifest.json (DIR="a b" for several; ARGS="--write docs/benchmarks.md")
	cargo run --release -p puente-ocr-eval -- $(or $(DIR),libs/plates/tests/fixtures) $(ARGS)

# ---- check and change ---------------------------------------------------------------------------
.PHONY: help ci check test e2e journeys chaos browser fmt fmt-check lint layers docs secrets gen sql sqlx buf asyncapi deny contract examples new-provider
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'
ci: tools fmt-check lint layers docs secrets sql buf asyncapi deny examples test browser fuzz-api contract ## everything that .ci/run runs
check: fmt-check lint layers docs secrets ## what is quick and needs no server
test: tools ## every test, on a real broker and a real database
	cargo xtask test $(ARGS)
e2e: tools ## the stories across the whole fleet only
	cargo xtask test -E 'package(puente-e2e)' $(ARGS)
journeys: tools ## from the message to the signed contract, in one trace each: make journeys N=1000
	PUENTE_JOURNEYS=$(or $(N),100) cargo xtask test --profile journeys -E 'package(puente-e2e) & test(every_journey)' $(ARGS)
chaos: tools ## kill -9 of any process under load, and the verdict: make chaos N=200, or ARGS=--power-loss
	cargo run -p puente-chaos -- --kills $(or $(N),20) $(ARGS)
fmt: ## format the code, also where cargo fmt does not look (modules made by providers!)
	cargo fmt && rustfmt --edition 2024 libs/providers/src/*/*.rs
fmt-check: ## fail on unformatted code
	cargo fmt --check && rustfmt --edition 2024 --check libs/providers/src/*/*.rs
lint: ## clippy, warnings are errors
	cargo clippy --quiet --workspace --all-targets --all-features -- -D warnings
layers: ## who may import whom
	cargo xtask check-layers
docs: ## documents against the tree and the code
	cargo xtask check-docs
secrets: ## no secret is in what git tracks
	cargo xtask secrets
gen: ## write the generated documents
	cargo xtask gen-docs
sql: tools ## whether .sqlx fits the queries and the migrations
	cargo xtask sqlx-prepare --check
sqlx: tools ## write .sqlx after a query or a migration changed
	cargo xtask sqlx-prepare
buf: ## protobuf: lint, and nothing broken since the last release
	cargo xtask buf
asyncapi: ## the event catalogue for programs, read by the reference parser
	cargo xtask asyncapi
deny: ## licences, bans and sources of all dependencies
	cargo xtask deny
contract: ## recorded exchanges against the vendors' descriptions, where those are at hand
	cargo xtask contract
fuzz-api: tools ## the REST interface against its own OpenAPI document, by a schema-driven fuzzer
	cargo xtask fuzz-api $(ARGS)
browser: tools ## the console in a real browser: every page, its behaviour, axe
	cargo xtask browser $(ARGS)
examples: tools ## the example subscribers of docs/examples, against a running fleet
	cargo xtask test --run-ignored ignored-only -E 'package(puente-e2e) & test(subscriber)' $(ARGS)
new-provider: ## one new folder and one line: make new-provider ARGS=acme
	cargo xtask new-provider $(ARGS)
