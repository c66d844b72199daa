# One word for everything that is done with this project. What the words mean is described once,
# in xtask/; here stands only what must be so before that can run.

.DEFAULT_GOAL := help
.PHONY: help run build test check browser dev ui model fuzz bench log size screenshots clean

# What to read: paths, quoted globs, folders. Words as in a shell:
#   make run LOGS="/var/log/*.log '/srv/**/x.log'"
LOGS ?=
# More for the server, such as ARGS="--port 9000 --open".
ARGS ?=

XTASK = $(call need,cargo,get Rust from rustup.rs) \
	$(call need,cc,get a C compiler (Debian: apt-get install gcc libc6-dev)) \
	cargo run $(if $(wildcard $(or $(CARGO_TARGET_DIR),target)/debug/xtask),--quiet) --package xtask --
need = command -v $(1) >/dev/null 2>&1 || { echo '`$(1)` is not installed: $(2)' >&2; exit 1; };

help: ## this list
	@echo 'make run LOGS="/var/log/nginx/*.log"    build tailwater and start it on these logs'
	@echo 'make test                               check everything'
	@echo
	@sed -n 's/^\([a-z]*\):.* ## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: ## build, then start on LOGS (without: the readable logs of this machine), with ARGS
	@$(XTASK) run $(ARGS) -- $(LOGS)

build: ## the release binary, at target/release/tailwater
	@$(XTASK) build

test: ## everything: format, lints, tests, the release build, tests in a browser
	@$(XTASK) test

check: ## the quick part of it: format, lints, unit tests
	@$(XTASK) check

browser: ## the browser tests alone; ARGS go to Playwright
	@$(XTASK) browser $(ARGS)

dev: ## rebuild and reload on every change of server, page or style
	@$(XTASK) dev $(ARGS) -- $(LOGS)

ui: ## the page alone, rebuilt on every change, against a server on port 8245
	@$(XTASK) ui $(ARGS)

model: ## follow a million random schedules, and ten thousand on real files: some ten minutes
	@$(XTASK) model

fuzz: ## make up bytes against what must hold for any: MINUTES of each target, or of those in ARGS
	@MINUTES=$(or $(MINUTES),1) $(XTASK) fuzz $(ARGS)

bench: ## measure on a log of SIZE (2G), and hold against the budgets
	@$(XTASK) bench $(SIZE)

log: ## a log of SIZE (2G) to measure with, below target/logs
	@$(XTASK) log $(or $(SIZE),2G) $(SEED)

size: ## bytes that a browser loads, of the site as it is built
	@$(XTASK) size

screenshots: ## draw the pictures in docs/ anew
	@$(XTASK) screenshots

clean: ## remove what was built, installed and fetched
	@cargo clean
	@rm -rf target tools/node_modules end2end/node_modules end2end/results
