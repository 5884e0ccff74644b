# Everything a developer runs. `make` alone tells what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The demo, the tests and the local AWS use the host's binaries of the profile `dev`, so that
# dependencies compile once. What goes to AWS is built by `sam build` (profile `release`).
AWS := local/aws
PYTHON := $(CURDIR)/target/local/env-emulator/bin/python

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Install the pinned local AWS and SAM under target/local
	@$(AWS) setup

.PHONY: build
build: ## Build the functions and the tools for this machine
	@cargo build --workspace --all-targets --locked

.PHONY: demo
demo: setup build ## Walk through the product on a local AWS, with real data
	@$(AWS) run --name demo --parameter BatchWindowSeconds=1 -- env PYTHONPATH=local $(PYTHON) -m demo

.PHONY: flights
flights: setup build ## Import 336,776 rows with both engines on a local AWS, watching; 10 minutes
	@$(AWS) run --name flights --parameter BatchWindowSeconds=1 -- env PYTHONPATH=local $(PYTHON) -m demo.flights

.PHONY: up
up: setup build ## Keep a local AWS with the stack running, to play with
	@$(AWS) up --parameter BatchWindowSeconds=1

.PHONY: down
down: ## Stop it
	@$(AWS) down

.PHONY: test
test: ## Everything that must hold: format, lints, tests, documents, the deployed stack
	@local/check

.PHONY: bench
bench: ## Measure Headwater beside its peers; BENCH_ARGS="--items 20000 --runs 3" for a quick look
	@PYTHONPATH=local python3 -m bench $(BENCH_ARGS)

.PHONY: soak
soak: setup build ## Inject faults for 20 minutes and look for losses; SOAK_ARGS="--scenario killed" for one kind
	@PYTHONPATH=local $(PYTHON) -m soak $(SOAK_ARGS)

.PHONY: fuzz
fuzz: ## Fuzz every parser, FUZZ_SECONDS each (600 unless set)
	@fuzz/run $(or $(FUZZ_SECONDS),600)

.PHONY: fmt
fmt: ## Format the code
	@cargo fmt --all

.PHONY: clean
clean: ## Remove everything that was built or installed
	@rm -rf target .aws-sam
