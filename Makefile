# SPDX-License-Identifier: Apache-2.0
# People and CI run the same targets. `make help` lists them.

PREFIX  ?= /usr/local
DESTDIR ?=
SWIFT   ?= swift
# One configuration for everything: the server libraries take minutes to compile, and tests then judge what is shipped.
BUILD   := $(SWIFT) build -c release
BIN     := $(shell pwd)/bin
PROGRAMS := ctr-swift ctr-swiftd ctr-swift-shim ctr-swift-oci
UNITDIR ?= /lib/systemd/system
SYSUSERSDIR ?= /usr/lib/sysusers.d
UNITS   := ctr-swiftd.service ctr-swiftd.socket ctr-swift-containers.service
# Below PREFIX/share.
MANPAGE := man/man1/ctr-swift.1
COMPLETIONS := bash-completion/completions/ctr-swift zsh/site-functions/_ctr-swift fish/vendor_completions.d/ctr-swift.fish

.PHONY: help setup build build-tests test test-unit test-contract test-vm vm-shell fuzz lint format bench demo install uninstall clean

help: ## what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install every Debian package that the build and the tests need (idempotent, as root)
	@scripts/setup build test

build: setup ## release build; stripped executables in bin/
	$(BUILD)
	@scripts/collect-binaries "$$($(BUILD) --show-bin-path)" $(BIN) $(PROGRAMS)

build-tests: setup
	$(BUILD) --build-tests
	@scripts/collect-binaries "$$($(BUILD) --show-bin-path)" $(BIN) $(PROGRAMS)

test: build-tests ## every test: units, kernel, integration, the API's contract, the docs' examples, the demo (as root)
	@scripts/test all

test-contract: build-tests ## the socket API against its description, in Python (as root)
	@scripts/contract-test

test-unit: build-tests ## the tests that need no root
	@scripts/test unit

test-vm: build-tests ## what needs cgroup v2, systemd and project quota, in a Debian guest under QEMU, without KVM (as root)
	@scripts/setup vm
	@scripts/test-vm

vm-shell: build-tests ## the same guest with a shell of root on this terminal (as root)
	@scripts/setup vm
	@scripts/test-vm shell

fuzz: setup ## libFuzzer on everything that strangers' bytes reach, FUZZ_SECONDS (60) for each target (as root)
	@scripts/fuzz

lint: ## formatting, licences, forbidden calls, linked libraries
	@scripts/lint

format: ## rewrite the sources as lint wants them
	$(SWIFT) format --in-place --parallel --recursive Package.swift Sources Tests Fuzz

bench: build ## measure against the peers that are installed: medians and ratios of one run (as root)
	@scripts/setup bench
	@scripts/bench

demo: build ## the main job, end to end, on a temporary root (as root)
	@scripts/demo

install: ## binaries, units, manual page, completions and documentation under DESTDIR and PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/ctr-swift $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(PREFIX)/share/doc/ctr-swift
	install -d $(dir $(addprefix $(DESTDIR)$(PREFIX)/share/,$(MANPAGE) $(COMPLETIONS)))
	install -m 0755 $(BIN)/ctr-swift $(BIN)/ctr-swiftd $(BIN)/ctr-swift-oci $(DESTDIR)$(PREFIX)/bin/
	install -m 0755 $(BIN)/ctr-swift-shim $(DESTDIR)$(PREFIX)/libexec/ctr-swift/
	for unit in $(UNITS); do sed 's|@PREFIX@|$(PREFIX)|g' systemd/$$unit > $(DESTDIR)$(UNITDIR)/$$unit || exit 1; done
	install -m 0644 systemd/ctr-swift.sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/ctr-swift.conf
	@# Packages do it themselves.
	if [ -z "$(DESTDIR)" ] && command -v systemd-sysusers >/dev/null; then systemd-sysusers ctr-swift.conf; fi
	install -m 0644 docs/man/ctr-swift.1 $(DESTDIR)$(PREFIX)/share/$(MANPAGE)
	for to in bash:$(word 1,$(COMPLETIONS)) zsh:$(word 2,$(COMPLETIONS)) fish:$(word 3,$(COMPLETIONS)); do \
	    $(BIN)/ctr-swift --generate-completion-script $${to%%:*} > $(DESTDIR)$(PREFIX)/share/$${to#*:} || exit 1; done
	install -m 0644 README.md LICENSE docs/*.md docs/api/* $(DESTDIR)$(PREFIX)/share/doc/ctr-swift/

uninstall: ## remove what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,ctr-swift ctr-swiftd ctr-swift-oci) $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS)) $(DESTDIR)$(SYSUSERSDIR)/ctr-swift.conf
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/,$(MANPAGE) $(COMPLETIONS))
	rm -rf $(DESTDIR)$(PREFIX)/libexec/ctr-swift $(DESTDIR)$(PREFIX)/share/doc/ctr-swift

clean: ## remove what was built
	rm -rf .build bin
