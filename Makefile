# The menu: every target is one line. The kitchen is `cargo xtask`.
.DEFAULT_GOAL := help

# ---- run (apps/puente) --------------------------------------------------------------------------
.PHONY: demo up tools
demo: ## the whole journey on this machine, with simulated providers
	cargo run --quiet --bin puente -- demo $(ARGS)
up: ## the fleet, kept running, with simulated providers
	cargo run --quiet --bin puente -- up --simulate $(ARGS)
tools: ## fetch the pinned nats-server and PostgreSQL into .puente/
	cargo run --quiet --bin puente -- tools $(ARGS)

