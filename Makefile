# admatch: `make help` lists what there is to make.
#
#   make SANITIZER=address|undefined|thread TARGET   builds apart, with gcc, in build/<sanitizer>
#   make SANITIZER=integer TARGET                    by clang: undefined, and unsigned numbers that wrap or lose bits
#   make WERROR=1 TARGET                             warnings are errors (CI does)
#   make V=1 TARGET                                  shows whole commands

SHELL := /bin/bash
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
SANITIZER ?=
ifeq ($(SANITIZER),integer)
CC := $(CLANG)
endif
BUILD := build/$(if $(SANITIZER),$(SANITIZER),release)
UWSGI ?= $(firstword $(wildcard /usr/bin/uwsgi-core /usr/bin/uwsgi) uwsgi)
PYTHON ?= python3
PREFIX ?= /usr/local
PLUGIN_DIR ?= /usr/lib/uwsgi/plugins
PORT ?= 8080
# A sanitizer slows the command down ten times: a fifth of the decisions keeps its test within minutes.
MODEL_ARGUMENTS ?= $(if $(SANITIZER),--decisions 20000)
FUZZ_SECONDS ?= 30
SOAK_SECONDS ?= 600
VERSION := 1.0.0
QUIET := $(if $(V),,@)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla $(if $(WERROR),-Werror)
CFLAGS ?= -O2 -g
HARDENING := -fstack-protector-strong -fstack-clash-protection $(if $(filter x86_64,$(shell uname -m)),-fcf-protection) -D_FORTIFY_SOURCE=2
HARDENED_LINK := -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
SANITIZE_address := -fsanitize=address
SANITIZE_undefined := -fsanitize=undefined -fno-sanitize-recover=all
SANITIZE_thread := -fsanitize=thread
INTEGER_EXCEPT := -fsanitize-ignorelist=tests/lint/wraps.txt
SANITIZE_integer := -fsanitize=undefined,integer -fno-sanitize-recover=all $(INTEGER_EXCEPT)
ifneq ($(SANITIZER),$(filter address undefined thread integer,$(SANITIZER)))
$(error SANITIZER=$(SANITIZER): expected address, undefined, thread or integer)
endif
SANITIZE := $(if $(SANITIZER),$(SANITIZE_$(SANITIZER)) -fno-omit-frame-pointer,$(HARDENING))
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARNINGS) $(SANITIZE) -fPIC -fvisibility=hidden -D_GNU_SOURCE -DXXH_INLINE_ALL
LIBRARIES := -lutf8proc -lstemmer -lz -lcrypto -lm -lpthread
ifeq ($(SANITIZER),integer)
# uWSGI was not built by clang: the plugin brings clang's runtime itself.
CLANG_RUNTIME := $(shell $(CLANG) -print-file-name=libclang_rt.ubsan_standalone-$(shell uname -m).so)
LIBRARIES += -shared-libsan -Wl,-rpath,$(dir $(CLANG_RUNTIME))
endif

comma := ,

ROOMS := base text model inventory index delivery events match api publish
ENGINE_SOURCES := $(foreach room,$(ROOMS),$(wildcard plugin/$(room)/*.c plugin/$(room)/*/*.c))
ENGINE_OBJECTS := $(ENGINE_SOURCES:%.c=$(BUILD)/%.o)
PLUGIN_SOURCES := $(wildcard plugin/uwsgi/*.c)
CLI_SOURCES := $(wildcard plugin/cli/*.c)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all help clean deps run test unit valgrind model examples integration replay docs-check lint fuzz soak bench install deb
all: $(BUILD)/admatch_plugin.so $(BUILD)/admatch ## build the plugin and the command

help: ## this list
	@sed -n 's/^#   make/  make/p' $(firstword $(MAKEFILE_LIST))
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{sub(/:.*/, "", $$1); printf "  make %-14s %s\n", $$1, $$2}'

# ---- building ---------------------------------------------------------------------------------

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(QUIET)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libadmatch.a: $(ENGINE_OBJECTS)
	@rm -f $@
	@echo '  AR $@'
	$(QUIET)ar rcs $@ $^

$(BUILD)/admatch: $(CLI_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/libadmatch.a
	@echo '  LD $@'
	$(QUIET)$(CC) $(ALL_CFLAGS) -pie $(HARDENED_LINK) -o $@ $^ $(LIBRARIES)

# The target's own header and flags: struct layouts depend on them.
UWSGI_CFLAGS = $(filter -D% -I/%,$(shell $(UWSGI) --cflags)) -isystem $(BUILD)

$(BUILD)/uwsgi.h:
	@mkdir -p $(@D)
	$(UWSGI) --dot-h > $@.new && mv $@.new $@

$(BUILD)/plugin/uwsgi/%.o: plugin/uwsgi/%.c $(BUILD)/uwsgi.h
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(QUIET)$(CC) $(ALL_CFLAGS) $(UWSGI_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/admatch_plugin.so: $(PLUGIN_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/libadmatch.a
	@echo '  LD $@'
	$(QUIET)$(CC) $(ALL_CFLAGS) -shared $(HARDENED_LINK) -o $@ $^ $(LIBRARIES)

-include $(shell find build -name '*.d' 2>/dev/null)

# ---- dependencies -----------------------------------------------------------------------------

# uwsgi.h includes what its uWSGI was built with: uuid, libcap, OpenSSL and PCRE, on Debian.
PACKAGES_BUILD := gcc libc6-dev uwsgi-core uuid-dev libcap-dev libssl-dev libpcre3-dev libjansson-dev libutf8proc-dev libstemmer-dev zlib1g-dev libxxhash-dev python3 tzdata
PACKAGES_RUN := curl
PACKAGES_TEST := libcmocka-dev nginx-light
PACKAGES_CLANG := clang libclang-rt-dev
PACKAGES_LINT := $(PACKAGES_CLANG) clang-format clang-tidy cppcheck
PACKAGES_AFL := afl++
PACKAGES_BENCH := wrk valgrind linux-perf apache2-utils g++ libhyperscan-dev libmarisa-dev darts librust-aho-corasick-dev rustc pypy3 php-cli uwsgi-plugin-python3 openjdk-17-jdk-headless

# Installs what is missing and no more; a user who may not is told what to ask for.
define install_packages
	@missing=; for package in $(1); do \
	    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	test -z "$$missing" && exit 0; \
	as=; test "$$(id -u)" = 0 || as=sudo; \
	if test -n "$$as" && ! command -v sudo > /dev/null; then echo "please install:$$missing" >&2; exit 1; fi; \
	echo "installing$$missing"; \
	export DEBIAN_FRONTEND=noninteractive; \
	$$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends $$missing
endef

.PHONY: deps-build deps-run deps-test deps-lint deps-afl deps-bench
deps-build:
	$(call install_packages,$(PACKAGES_BUILD))
deps-run: deps-build
	$(call install_packages,$(PACKAGES_RUN))
deps-test: deps-build
	$(call install_packages,$(PACKAGES_TEST) $(if $(filter integer,$(SANITIZER)),$(PACKAGES_CLANG)))
deps-lint: deps-build
	$(call install_packages,$(PACKAGES_LINT))
deps-afl: deps-build
	$(call install_packages,$(PACKAGES_AFL))
deps-bench: deps-build
	$(call install_packages,$(PACKAGES_BENCH))
deps: deps-run deps-test deps-lint deps-afl deps-bench ## install everything that any target here needs (Debian, Ubuntu)

# ---- running ----------------------------------------------------------------------------------

run: deps-run ## build, and serve tests/data/example.jsonl on PORT (8080)
	@$(MAKE) --no-print-directory all
	@port=$(PORT); \
	while (exec 3<> /dev/tcp/127.0.0.1/$$port) 2> /dev/null; do port=$$((port + 1)); done; \
	printf '\nTry, in another terminal:\n\n  curl "http://127.0.0.1:%s/v1/decide?query=trail+running+shoes&count=2"\n\nor look at http://127.0.0.1:%s/preview with a browser.\n\nCtrl-C ends it.\n\n' $$port $$port; \
	exec $(UWSGI) --plugins-dir $(BUILD) --need-plugin admatch --http11-socket 127.0.0.1:$$port --processes 2 --threads 4 --admatch-inventory tests/data/example.jsonl --admatch-preview

# ---- tests ------------------------------------------------------------------------------------

$(BUILD)/tests/%: tests/unit/%.c $(BUILD)/libadmatch.a
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(CC) $(ALL_CFLAGS) -MMD -MP -Itests/unit -o $@ $< $(BUILD)/libadmatch.a -lcmocka -ljansson $(LIBRARIES)

# The linker lets these tests stand in for the allocator.
$(BUILD)/tests/test_allocations $(BUILD)/tests/test_delivery_allocations $(BUILD)/tests/test_events_allocations: LIBRARIES += $(foreach name,malloc calloc realloc posix_memalign free,-Wl$(comma)--wrap=$(name))

unit: $(UNIT_TESTS) ## the unit tests of the engine
	@status=0; for test in $(UNIT_TESTS); do $$test || { echo "FAILED: $$test"; status=1; }; done; exit $$status

valgrind: deps-bench $(UNIT_TESTS) ## the unit tests under valgrind: no error, no leak
	@status=0; for test in $(UNIT_TESTS); do \
	    valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 $$test || { echo "FAILED: $$test"; status=1; }; done; exit $$status

model: all $(BUILD)/tests/delivery_driver ## the engine and the ledger against independent models in Python
	cd tests/model && $(PYTHON) -m unittest -q
	$(PYTHON) tests/model/run_model.py --admatch $(BUILD)/admatch $(MODEL_ARGUMENTS)
	$(PYTHON) tests/model/run_delivery.py --driver $(BUILD)/tests/delivery_driver

examples: all ## the worked examples, by the command and by the model
	$(PYTHON) tests/examples/run_examples.py --admatch $(BUILD)/admatch

$(BUILD)/tests/failing.so: tests/integration/failing.c
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(CC) -std=gnu11 -O2 -g $(WARNINGS) -fPIC -D_GNU_SOURCE -shared -o $@ $<

$(BUILD)/tests/account: tests/integration/account.c $(BUILD)/libadmatch.a
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(CC) $(ALL_CFLAGS) -MMD -MP -o $@ $< $(BUILD)/libadmatch.a -lcmocka $(LIBRARIES)

integration: all $(BUILD)/tests/failing.so $(BUILD)/tests/account ## a real uWSGI over real sockets
	ADMATCH=$(CURDIR)/$(BUILD)/admatch ADMATCH_BUILD=$(BUILD) ADMATCH_UWSGI=$(UWSGI) ADMATCH_SANITIZER=$(SANITIZER) $(PYTHON) tests/integration/run.py $(TESTS)

docs-check: all ## what the documents promise, against the program
	$(PYTHON) tests/lint/docs.py $(BUILD)

test: deps-test ## everything that must hold: unit, model, integration, corpus, docs, rooms
	@$(MAKE) --no-print-directory all
	@status=0; for part in unit model examples integration replay $(if $(SANITIZER),,docs-check rooms); do \
	    echo "== $$part"; \
	    $(MAKE) --no-print-directory $$part || { status=1; failed="$$failed $$part"; }; done; \
	if test $$status = 0; then echo "make test: all parts passed"; else echo "make test: FAILED:$$failed"; fi; exit $$status

.PHONY: rooms
rooms: $(BUILD)/admatch_plugin.so
	$(PYTHON) tests/lint/rooms.py $(BUILD)/admatch_plugin.so

lint: deps-lint deps-test ## rooms, format, and what clang-tidy, cppcheck and gcc -fanalyzer find in all C
	@$(MAKE) --no-print-directory rooms
	clang-format --dry-run --Werror $$(git ls-files -co --exclude-standard '*.c' '*.h')
	$(PYTHON) tests/lint/analyse.py $(filter -std% -O% -W% -D_GNU% -DXXH%,$(ALL_CFLAGS)) $(UWSGI_CFLAGS)

# ---- fuzzing ----------------------------------------------------------------------------------

# ENGINE=afl: the same targets by AFL++; they are built apart, in build/afl.
ENGINE ?= libfuzzer
FUZZ_CC := $(if $(filter afl,$(ENGINE)),AFL_QUIET=1 afl-clang-fast,$(CLANG))
FUZZ_BUILD := build/$(if $(filter afl,$(ENGINE)),afl,fuzz)
FUZZ_CFLAGS := -std=gnu11 -O1 -g -DAM_SMALL_BUFFERS -D_GNU_SOURCE -DXXH_INLINE_ALL -fno-omit-frame-pointer -fsanitize=address,undefined,integer -fno-sanitize-recover=undefined,integer $(INTEGER_EXCEPT)
FUZZ_OBJECTS := $(ENGINE_SOURCES:%.c=$(FUZZ_BUILD)/%.o)

.SECONDARY: $(FUZZ_OBJECTS)
$(FUZZ_BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(QUIET)$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(FUZZ_BUILD)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_OBJECTS)
	@echo '  LD $@'
	$(QUIET)$(FUZZ_CC) $(FUZZ_CFLAGS) -fsanitize=fuzzer -MMD -MP -o $@ $< $(FUZZ_OBJECTS) $(LIBRARIES)

# Found inputs go to build/, so that the corpus in the tree grows only by choice.
fuzz: $(if $(filter afl,$(ENGINE)),deps-afl,deps-lint) ## fuzz each target for FUZZ_SECONDS (30), by libFuzzer or with ENGINE=afl by AFL++; FUZZ_TARGETS="json words" for some
	@$(MAKE) --no-print-directory $(FUZZ_TARGETS:%=$(FUZZ_BUILD)/fuzz_%)
	@status=0; for topic in $(FUZZ_TARGETS); do \
	    echo "== $$topic"; tests/fuzz/run_$(ENGINE).sh $$topic $(FUZZ_BUILD) $(FUZZ_SECONDS) || { status=1; echo "FAILED: $$topic"; }; done; exit $$status

$(BUILD)/replay/%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(BUILD)/libadmatch.a
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(CC) $(ALL_CFLAGS) -o $@ tests/fuzz/fuzz_$*.c tests/fuzz/replay.c $(BUILD)/libadmatch.a $(LIBRARIES)

replay: $(FUZZ_TARGETS:%=$(BUILD)/replay/%) ## each file of the fuzzing corpus once, without a fuzzer
	@status=0; for topic in $(FUZZ_TARGETS); do $(BUILD)/replay/$$topic tests/fuzz/corpus/$$topic || { status=1; echo "FAILED: $$topic"; }; done; exit $$status

SOAK_TESTS := $(addprefix $(BUILD)/tests/,test_delivery_kills test_delivery_caps test_token test_events test_events_processes)

$(BUILD)/tests/load: $(wildcard tests/soak/*.c tests/soak/*.h)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $(filter %.c,$^)

.PHONY: same-answers
same-answers: all ## INVENTORY=FILE QUERIES=FILE: the server answers what the command answers, byte for byte
	ADMATCH=$(CURDIR)/$(BUILD)/admatch ADMATCH_BUILD=$(BUILD) ADMATCH_UWSGI=$(UWSGI) $(PYTHON) tests/integration/same_answers.py $(INVENTORY) $(QUERIES)

soak: deps-test all $(BUILD)/tests/load $(SOAK_TESTS) ## swaps, kills, memory, latency, hostile clients, the ledger and events, under load, for SOAK_SECONDS (600); SECTIONS="swaps memory" for some
	ADMATCH_BUILD=$(BUILD) ADMATCH_UWSGI=$(UWSGI) ADMATCH_SANITIZER=$(SANITIZER) $(PYTHON) tests/soak/soak.py --seconds $(SOAK_SECONDS) $(SECTIONS)

bench: deps-bench ## measure, as docs/BENCHMARKS.md reports
	@$(MAKE) --no-print-directory all
	$(PYTHON) tests/bench/run.py $(BENCH_ARGUMENTS)

# ---- installing -------------------------------------------------------------------------------

install: all ## the plugin to PLUGIN_DIR, the command and its manual under PREFIX; DESTDIR is honoured
	install -d $(DESTDIR)$(PLUGIN_DIR) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(BUILD)/admatch_plugin.so $(DESTDIR)$(PLUGIN_DIR)/admatch_plugin.so
	install -m 755 $(BUILD)/admatch $(DESTDIR)$(PREFIX)/bin/admatch
	install -m 644 docs/admatch.1 $(DESTDIR)$(PREFIX)/share/man/man1/admatch.1
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/uwsgi-plugin-admatch/copyright

# Depends on the very uWSGI that it was built with: the layout of its structures is not stable.
deb: all ## a Debian package in build/
	rm -rf build/deb
	$(MAKE) --no-print-directory install DESTDIR=build/deb PREFIX=/usr
	gzip -9n build/deb/usr/share/man/man1/admatch.1
	strip --strip-unneeded build/deb$(PLUGIN_DIR)/admatch_plugin.so build/deb/usr/bin/admatch
	mkdir -p build/deb/DEBIAN
	printf 'Package: uwsgi-plugin-admatch\nVersion: %s\nArchitecture: %s\nMaintainer: admatch <admatch@example.invalid>\nDepends: uwsgi-core (= %s), libutf8proc2, libstemmer0d, zlib1g, libssl3, tzdata\nSection: httpd\nPriority: optional\nDescription: ad server as a uWSGI plugin\n Serves ads by keyword from one shared, memory-mapped inventory.\n' \
	    $(VERSION) $$(dpkg --print-architecture) $$(dpkg-query -W -f '$${Version}' uwsgi-core) > build/deb/DEBIAN/control
	dpkg-deb --root-owner-group --build build/deb build/uwsgi-plugin-admatch_$(VERSION)_$$(dpkg --print-architecture).deb

clean: ## remove build/
	rm -rf build
