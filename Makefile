# Everything a person does here is one word. `make` alone lists the words.
#
# Each target installs what it needs first (tools/packages.txt, Debian 12) and says what it is doing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

JOBS ?= 2
FUZZ_SECONDS ?= 10
BINARIES := understudy-router understudy-notifier understudy
# Some tests hold thousands of connections, both ends of each.
CTEST := ulimit -n "$$(ulimit -Hn)" && ctest --output-on-failure --no-tests=error -j $(JOBS)
# Tests that take minutes are left to verify-slow.
CTEST_QUICK := $(CTEST) -LE 'slow|browser'

# Ninja counts its steps on a terminal; into a file that would be a line for each.
QUIET := $(shell [ -t 2 ] || echo --quiet)

# $(call build,PRESET,TARGETS,OPTIONS): configures and builds; what is wrong is shown.
define build
	@echo "==> Building ($(1)); the first time takes some minutes"
	@cmake --preset $(1) $(3) >build-$(1).log 2>&1 || { cat build-$(1).log; exit 1; }; rm -f build-$(1).log
	@cmake --build --preset $(1) -j $(JOBS) --target $(2) -- $(QUIET)
endef

.PHONY: help
help:
	@echo "make demo    build, then see calls answered while their web servers fail, and the mail about it;"
	@echo "             with STAY=1 the operators' page stays up until Ctrl-C"
	@echo "make test    build, then run the tests"
	@echo "make verify  tests that take minutes, the tests under sanitizers, fuzzing, images, lint, chart and manifests"
	@echo "make build   release binaries in build/release/bin/"
	@echo "make run     router and notifier in the foreground with deploy/config, until Ctrl-C"
	@echo "make bench   what judging, failing over to a bin and a storm of events cost; writes build/release/bench/"
	@echo "make lint    formatting, clang-tidy, shellcheck, buf"
	@echo "make format  formats the C++ files"
	@echo "make clean   removes build/"

.PHONY: packages
packages:
	@tools/install-packages.sh build

.PHONY: verify-packages
verify-packages:
	@tools/install-packages.sh build verify

.PHONY: demo
demo: packages
	$(call build,release,$(BINARIES))
	@rm -rf build/demo && build/release/bin/understudy demo --mail-directory build/demo/mail $(if $(STAY),--stay)

.PHONY: test
test: packages
	$(call build,dev,all)
	@echo "==> Testing (dev)"
	@$(CTEST_QUICK) --test-dir build/dev

.PHONY: verify
verify: lint verify-deploy verify-page verify-slow verify-asan verify-tsan verify-fuzz verify-image

.PHONY: verify-deploy
verify-deploy: verify-packages
	$(call build,dev,$(BINARIES))
	@tools/verify-monitoring.sh
	@tools/verify-deploy.sh

.PHONY: verify-page
verify-page: verify-packages
	$(call build,dev,understudy-notifier page_events)
	@echo "==> Reading the operators' page in a browser (dev)"
	@$(CTEST) --test-dir build/dev -L browser

.PHONY: verify-slow
verify-slow: verify-packages
	$(call build,dev,all)
	@echo "==> Running the tests that take minutes (dev)"
	@$(CTEST) --test-dir build/dev -L slow

.PHONY: verify-asan
verify-asan: verify-packages
	$(call build,asan,all)
	@echo "==> Testing under the address and undefined-behaviour sanitizers"
	@$(CTEST_QUICK) --test-dir build/asan

.PHONY: verify-tsan
verify-tsan: verify-packages
	$(call build,tsan,all)
	@echo "==> Testing under the thread sanitizer (all rooms without gRPC)"
	@$(CTEST_QUICK) --test-dir build/tsan

.PHONY: verify-fuzz
verify-fuzz: verify-packages
	$(call build,fuzz,fuzz_targets,-DUNDERSTUDY_FUZZ_SECONDS=$(FUZZ_SECONDS))
	@echo "==> Fuzzing, $(FUZZ_SECONDS) seconds a target"
	@$(CTEST) --test-dir build/fuzz -L fuzz

.PHONY: verify-image
verify-image: verify-packages
	@tests/deploy/image/verify_images.sh deploy/compose/understudy tests/testdata/image_config

.PHONY: build
build: packages
	$(call build,release,$(BINARIES))
	@ls $(addprefix build/release/bin/,$(BINARIES))

.PHONY: run
run: build
	@tools/run.sh build/release/bin deploy/config build/run

.PHONY: bench
bench: packages
	$(call build,release,twiml_bench bin_bench storm_bench page_bench)
	@build/release/bin/twiml_bench build/release/bench/twiml.json
	@build/release/bin/bin_bench build/release/bench/bin.json
	@build/release/bin/storm_bench build/release/bench/storm.json
	@build/release/bin/page_bench build/release/bench/page.json

.PHONY: lint
lint: verify-packages
	@tools/lint.sh

.PHONY: format
format: verify-packages
	@git ls-files '*.h' '*.cc' | xargs clang-format-14 -i

.PHONY: clean
clean:
	@rm -rf build
