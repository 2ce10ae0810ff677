# SPDX-License-Identifier: Apache-2.0
# admatch: `make help` lists what there is to make.
#
#   make SANITIZER=address|undefined|thread TARGET   builds apart, with gcc, in build/<sanitizer>
#   make SANITIZER=integer TARGET                    by clang: undefined, and unsigned numbers that wrap or lose bits
#   make CC=clang TARGET                             builds apart, in build/release-clang
#   make WERROR=1 TARGET                             warnings are errors (CI does)
#   make V=1 TARGET                                  shows whole commands
#
# CC, CPPFLAGS, CFLAGS, LDFLAGS, PREFIX and DESTDIR mean what they mean everywhere.

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
BUILD := build/$(or $(SANITIZER),release)$(if $(findstring clang,$(CC)),$(if $(filter integer,$(SANITIZER)),,-clang))
UWSGI ?= $(firstword $(wildcard /usr/bin/uwsgi-core /usr/bin/uwsgi) uwsgi)
PYTHON ?= python3
PREFIX ?= /usr/local
PLUGIN_DIR ?= /usr/lib/uwsgi/plugins
PORT ?= 8080
# A sanitizer slows the command down ten times: a fifth of the decisions keeps its test within minutes.
MODEL_ARGUMENTS ?= $(if $(SANITIZER),--decisions 20000)
FUZZ_SECONDS ?= 30
SOAK_SECONDS ?= 600
VERSION := $(shell cat VERSION)
QUIET := $(if $(V),,@)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla $(if $(WERROR),-Werror)
CFLAGS ?= -O2 -g
HARDENING := -fstack-protector-strong -fstack-clash-protection $(if $(filter x86_64,$(shell uname -m)),-fcf-protection) \
    $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
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
DEFINES := -D_GNU_SOURCE -DXXH_INLINE_ALL -DADMATCH_VERSION='"$(VERSION)"'
ALL_CFLAGS := -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) $(SANITIZE) -fPIC -fvisibility=hidden $(DEFINES)
LINK := $(CC) $(ALL_CFLAGS) $(LDFLAGS)
LIBRARIES := -lutf8proc -lstemmer -lz -lmaxminddb -lsqlite3 -ljansson -lm -lpthread
ifeq ($(SANITIZER),integer)
# uWSGI was not built by clang: the plugin brings clang's runtime itself.
CLANG_RUNTIME := $(shell $(CLANG) -print-file-name=libclang_rt.ubsan_standalone-$(shell uname -m).so)
LIBRARIES += -shared-libsan -Wl,-rpath,$(dir $(CLANG_RUNTIME))
endif

comma := ,
empty :=
space := $(empty) $(empty)

# All rooms but the three that make something of them: the plugin, the command, the shared library.
ENGINE_SOURCES := $(filter-out plugin/uwsgi/% plugin/cli/% plugin/lib/%,$(wildcard plugin/*/*.c plugin/*/*/*.c))
ENGINE_OBJECTS := $(ENGINE_SOURCES:%.c=$(BUILD)/%.o)
PLUGIN_SOURCES := $(wildcard plugin/uwsgi/*.c plugin/uwsgi/*/*.c)
CLI_SOURCES := $(wildcard plugin/cli/*.c)
LIB_SOURCES := $(wildcard plugin/lib/*.c)
# The soname's number is ADMATCH_ABI of the public header.
ABI := $(shell sed -n 's/^.define ADMATCH_ABI //p' plugin/include/admatch.h)
SHARED := $(BUILD)/libadmatch.so.$(ABI)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all compile help clean deps run test check test-all fresh unit valgrind model examples integration replay docs-check lint
.PHONY: worlds fuzz fuzz-cost soak bench bench-pair install install-server install-lib uninstall dist deb
all: $(BUILD)/admatch_plugin.so $(BUILD)/admatch $(SHARED) ## build the plugin, the command and the library

help: ## this list
	@sed -n 's/^#   make/  make/p' $(firstword $(MAKEFILE_LIST))
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{sub(/:.*/, "", $$1); printf "  make %-14s %s\n", $$1, $$2}'

# ---- building ---------------------------------------------------------------------------------

# What every compilation needs, tried once; where it is missing, what to install.
NEEDED_HEADERS := utf8proc.h libstemmer.h zlib.h xxhash.h sqlite3.h jansson.h maxminddb.h
$(BUILD)/able:
	@mkdir -p $(@D)
	@missing=$$( { \
	    for command in $(firstword $(CC)) $(UWSGI); do \
	        command -v $$command > /dev/null || echo "$$command: command not found"; done; \
	    for header in $(NEEDED_HEADERS); do echo "#include <$$header>" | $(CC) $(CPPFLAGS) -E - > /dev/null; done; \
	    if command -v $(UWSGI) > /dev/null; then $(UWSGI) --dot-h | $(CC) $(UWSGI_CFLAGS) -E - > /dev/null; fi; \
	    } 2>&1 | sed -n 's/.*fatal error: //p; /: command not found$$/{s/.*line [0-9]*: //;p}' | sort -u); \
	if test -n "$$missing"; then \
	    printf '%s\n' 'admatch cannot be built here yet. There is no:' '' >&2; \
	    printf '%s\n' "$$missing" | sed 's/^/    /; s/: .*//' >&2; \
	    printf '%s\n' '' 'On Debian 12, `make deps-build` installs what is missing, as does' '' '    apt install $(PACKAGES_BUILD)' '' >&2; \
	    exit 1; fi
	@touch $@

$(BUILD)/%.o: %.c VERSION | $(BUILD)/able
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(QUIET)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libadmatch.a: $(ENGINE_OBJECTS)
	@rm -f $@
	@echo '  AR $@'
	$(QUIET)ar rcs $@ $^

$(BUILD)/admatch: $(CLI_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/libadmatch.a
	@echo '  LD $@'
	$(QUIET)$(LINK) -pie $(HARDENED_LINK) -o $@ $^ $(LIBRARIES) -lcsv

# The target's own header and flags: struct layouts depend on them.
UWSGI_CFLAGS = $(filter -D% -I/%,$(shell $(UWSGI) --cflags 2> /dev/null)) -isystem $(BUILD)

$(BUILD)/uwsgi.h: | $(BUILD)/able
	@mkdir -p $(@D)
	$(UWSGI) --dot-h > $@.new && mv $@.new $@

$(BUILD)/plugin/uwsgi/%.o: plugin/uwsgi/%.c $(BUILD)/uwsgi.h VERSION
	@mkdir -p $(@D)
	@echo '  CC $@'
	$(QUIET)$(CC) $(ALL_CFLAGS) $(UWSGI_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/admatch_plugin.so: $(PLUGIN_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/libadmatch.a
	@echo '  LD $@'
	$(QUIET)$(LINK) -shared $(HARDENED_LINK) -o $@ $^ $(LIBRARIES)

$(SHARED): $(LIB_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/libadmatch.a
	@echo '  LD $@'
	$(QUIET)$(LINK) -shared $(HARDENED_LINK) -Wl,--as-needed -Wl,-soname,$(notdir $@) -o $@ $^ $(LIBRARIES)
	$(QUIET)ln -sf $(notdir $@) $(BUILD)/libadmatch.so

-include $(shell find $(BUILD) build/fuzz build/afl -name '*.d' 2> /dev/null)

# ---- dependencies -----------------------------------------------------------------------------

# uwsgi.h includes what its uWSGI was built with: uuid, libcap, OpenSSL and PCRE, on Debian.
PACKAGES_BUILD := gcc libc6-dev uwsgi-core uuid-dev libcap-dev libssl-dev libpcre3-dev libjansson-dev libutf8proc-dev libstemmer-dev libcsv-dev zlib1g-dev libxxhash-dev libsqlite3-dev libmaxminddb-dev python3 tzdata
PACKAGES_RUN := curl
PACKAGES_TEST := libcmocka-dev nginx-light g++ pkg-config python3-cffi uwsgi-plugin-python3
PACKAGES_CLANG := clang libclang-rt-dev
PACKAGES_LINT := $(PACKAGES_CLANG) clang-format clang-tidy cppcheck
PACKAGES_FRESH := debootstrap git
PACKAGES_BROWSER := chromium chromium-driver fonts-dejavu-core
PACKAGES_POSTGRESQL := postgresql
PACKAGES_AFL := afl++
PACKAGES_WORDS := chromium wamerican wngerman wfrench wspanish witalian wportuguese hunspell-ru hunspell-tr
PACKAGES_BENCH := wrk valgrind linux-perf apache2-utils g++ libhyperscan-dev libmarisa-dev darts librust-aho-corasick-dev rustc pypy3 php-cli uwsgi-plugin-python3 openjdk-17-jdk-headless
PACKAGES_DEB := debhelper uwsgi-dev libcmocka-dev

# The one place that installs: what is missing and no more. A user who may not is told what to ask for,
# and where there are no Debian packages, nothing happens.
define install_packages
	@command -v dpkg-query apt-get > /dev/null || exit 0; \
	missing=; for package in $(1); do \
	    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; done; \
	test -z "$$missing" && exit 0; \
	as=; test "$$(id -u)" = 0 || as=sudo; \
	if test -n "$$as" && ! command -v sudo > /dev/null; then echo "please install:$$missing" >&2; exit 1; fi; \
	echo "installing$$missing"; \
	export DEBIAN_FRONTEND=noninteractive; \
	$$as apt-get update -qq && $$as apt-get install -y -qq --no-install-recommends $$missing
endef

.PHONY: deps-build deps-run deps-test deps-compile deps-fresh deps-browser deps-postgresql deps-lint deps-afl deps-bench deps-deb deps-words
deps-build:
	$(call install_packages,$(PACKAGES_BUILD))
deps-run: deps-build
	$(call install_packages,$(PACKAGES_RUN))
deps-test: deps-build
	$(call install_packages,$(PACKAGES_TEST) $(if $(filter integer,$(SANITIZER)),$(PACKAGES_CLANG)))
deps-compile: deps-test
	$(call install_packages,$(if $(findstring clang,$(CC)),$(PACKAGES_CLANG)))
deps-fresh:
	$(call install_packages,$(PACKAGES_FRESH))
deps-browser: deps-test
	$(call install_packages,$(PACKAGES_BROWSER))
deps-postgresql: deps-build
	$(call install_packages,$(PACKAGES_POSTGRESQL))
deps-lint: deps-build
	$(call install_packages,$(PACKAGES_LINT))
deps-afl: deps-build
	$(call install_packages,$(PACKAGES_AFL))
deps-bench: deps-build
	$(call install_packages,$(PACKAGES_BENCH))
deps-words: deps-build
	$(call install_packages,$(PACKAGES_WORDS))
deps-deb: deps-build
	$(call install_packages,$(PACKAGES_DEB))
deps: deps-run deps-test deps-fresh deps-browser deps-postgresql deps-lint deps-afl deps-bench deps-words deps-deb ## install everything that any target here needs (Debian, Ubuntu)

# ---- running ----------------------------------------------------------------------------------

RUN_INVENTORY := $(or $(INVENTORY),tests/data/example.jsonl)
# A ledger is of one inventory.
RUN_LEDGER := build/run-ledger/$(subst $(space),_,$(subst /,_,$(RUN_INVENTORY)))
RUN_WORDS := $(if $(INVENTORY),your+words,trail+running+shoes)

# What is wrong with PORT or the inventory is said before uWSGI says all that it says at its start. The hint is printed
# when the server is ready, and not if it does not start. What waits for that is no child of uWSGI's, which would report
# its end; uWSGI has the process number of the shell that it takes the place of.
run: deps-run ## build, and serve INVENTORY=FILE (tests/data/example.jsonl) on PORT (8080)
	@$(MAKE) --no-print-directory all
	@port='$(PORT)'; \
	if ! [[ $$port =~ ^[1-9][0-9]{0,4}$$ ]] || ((port > 65535)); then echo "PORT=$$port: expected a number from 1 to 65535" >&2; exit 1; fi; \
	if ! said=$$($(BUILD)/admatch check '$(RUN_INVENTORY)' 2>&1) && ! $(BUILD)/admatch info '$(RUN_INVENTORY)' > /dev/null 2>&1; then echo "$$said" >&2; exit 1; fi; \
	while (exec 3<> /dev/tcp/127.0.0.1/$$port) 2> /dev/null; do port=$$((port + 1)); done; \
	mkdir -p $(dir $(RUN_LEDGER)); \
	( while kill -0 $$$$ 2> /dev/null; do \
	    if ! curl --silent --fail --output /dev/null http://127.0.0.1:$$port/readyz; then sleep 0.1; continue; fi; \
	    printf '\nTry, in another terminal:\n\n  curl "http://127.0.0.1:%s/v1/decide?query=$(RUN_WORDS)&count=2"\n\nor look at http://127.0.0.1:%s/preview with a browser. Report that the first ad was shown, as a page does, and see it counted:\n\n  curl -s "http://127.0.0.1:%s/v1/decide?query=$(RUN_WORDS)" | grep -Eo "http:[^,]+/v1/impression/[A-Za-z0-9_-]+" | xargs curl -s -A Mozilla/5.0 -o /dev/null\n  $(BUILD)/admatch log %s\n\nCtrl-C ends it.\n\n' $$port $$port $$port '$(RUN_LEDGER)'; \
	    break; done & ); \
	exec $(UWSGI) --plugins-dir $(BUILD) --need-plugin admatch --strict --die-on-term --http11-socket 127.0.0.1:$$port --processes 2 --threads 4 \
	    --admatch-inventory '$(RUN_INVENTORY)' --admatch-preview \
	    --admatch-ledger '$(RUN_LEDGER)' --admatch-public-url http://127.0.0.1:$$port --admatch-cells 1024 --admatch-ring 1048576

# ---- tests ------------------------------------------------------------------------------------

$(BUILD)/tests/%: tests/unit/%.c $(BUILD)/libadmatch.a
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(LINK) $(TEST_CFLAGS) -MMD -MP -Itests/unit -o $@ $< $(filter %.o,$^) $(BUILD)/libadmatch.a -lcmocka -ljansson -lcrypto $(LIBRARIES)

# What the loop has that knows no uWSGI.
$(BUILD)/tests/test_loop: $(foreach part,balance connection pending wheel,$(BUILD)/plugin/uwsgi/loop/$(part).o)

# What the command reads cells of tables with.
$(BUILD)/tests/test_cells: $(foreach part,cells cell_money columns encoding table,$(BUILD)/plugin/cli/$(part).o)
$(BUILD)/tests/test_cells: LIBRARIES += -lcsv

# The dispatcher, with the test in place of what serves requests, and of epoll.
$(BUILD)/tests/test_dispatch: $(BUILD)/uwsgi.h $(foreach part,balance connection dispatch pending wheel,$(BUILD)/plugin/uwsgi/loop/$(part).o)
$(BUILD)/tests/test_dispatch: TEST_CFLAGS = $(UWSGI_CFLAGS)
$(BUILD)/tests/test_dispatch: LIBRARIES += -Wl,--wrap=epoll_ctl

# What `admatch simulate` has that stands alone.
$(BUILD)/tests/test_simulate: $(foreach part,chance heap,$(BUILD)/plugin/cli/simulate_$(part).o)

# The library's own room, as programs use it.
$(BUILD)/tests/test_library: $(LIB_SOURCES:%.c=$(BUILD)/%.o)

# The linker lets these tests stand in for the allocator.
$(BUILD)/tests/test_allocations $(BUILD)/tests/test_delivery_allocations $(BUILD)/tests/test_events_allocations: LIBRARIES += $(foreach name,malloc calloc realloc posix_memalign free,-Wl$(comma)--wrap=$(name))

# This one for the stemmer.
$(BUILD)/tests/test_stem_memory: LIBRARIES += -Wl,--wrap=sb_stemmer_stem

# And this one for the system calls of the store.
STORE_WRAPS := open openat mkdir stat fstat fstatat access flock utimensat renameat unlinkat fsync read pread write mmap opendir fdopendir readdir \
    malloc calloc realloc aligned_alloc posix_memalign strdup am_timezones_load
$(BUILD)/tests/test_store: LIBRARIES += $(foreach name,$(STORE_WRAPS),-Wl$(comma)--wrap=$(name))

# And this one count calls.
$(BUILD)/tests/test_counts: LIBRARIES += $(foreach name,am_text_utf16_length memcmp bcmp,-Wl$(comma)--wrap=$(name))

unit: $(UNIT_TESTS) ## the unit tests of the engine
	@printf '%s\n' $(UNIT_TESTS) | xargs -P $$(nproc) -I TEST sh -c 'timeout -k 10 $(PART_SECONDS) TEST > TEST.log 2>&1 || { cat TEST.log; echo "FAILED: TEST"; exit 1; }'
	@grep -h '  PASSED  ' $(UNIT_TESTS:%=%.log) | awk '{ sum += $$4 } END { print "unit: " sum " tests passed" }'

valgrind: deps-bench $(UNIT_TESTS) ## the unit tests under valgrind: no error, no leak
	@status=0; for test in $(UNIT_TESTS); do \
	    valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=9 $$test || { echo "FAILED: $$test"; status=1; }; done; exit $$status

# test-all tries five times as many.
MODEL_DECISIONS ?= 20000
model: all $(BUILD)/tests/delivery_driver ## the engine and the ledger against independent models in Python
	cd tests/model && $(PYTHON) -m unittest -q
	$(PYTHON) tests/model/run_model.py --admatch $(BUILD)/admatch --decisions $(MODEL_DECISIONS) $(MODEL_ARGUMENTS)
	$(PYTHON) tests/model/run_delivery.py --driver $(BUILD)/tests/delivery_driver
	$(PYTHON) tests/worlds/run_days.py --admatch $(BUILD)/admatch
	$(PYTHON) tests/worlds/run_worlds.py --admatch $(BUILD)/admatch --quick

worlds: all ## generated days against what pacing must reach; SEED=N for others, ONLY="evening clicks" for some
	$(PYTHON) tests/worlds/run_worlds.py --admatch $(BUILD)/admatch $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

examples: all ## the worked examples, by the command and by the model; pages against what a browser shows
	$(PYTHON) tests/examples/run_examples.py --admatch $(BUILD)/admatch
	$(PYTHON) tests/words/pages.py --admatch $(BUILD)/admatch

$(BUILD)/tests/failing.so $(BUILD)/tests/slow_accept.so $(BUILD)/tests/shifted_clock.so: $(BUILD)/tests/%.so: tests/integration/%.c
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -fPIC -D_GNU_SOURCE $(LDFLAGS) -shared -o $@ $<

$(BUILD)/tests/blocking_plugin.so: tests/integration/blocking_plugin.c $(BUILD)/uwsgi.h
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(CC) -std=gnu11 -O2 -g $(WARNINGS) -fPIC -D_GNU_SOURCE $(UWSGI_CFLAGS) -shared -o $@ $<

# A file of addresses, of networks that tests make up; and the time of lookups.
$(BUILD)/tests/mmdb: tests/geo/write.c tests/geo/mmdb.h
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(CC) -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARNINGS) -D_GNU_SOURCE $(LDFLAGS) -o $@ $<

.PHONY: bench-geo
bench-geo: $(BUILD)/libadmatch.a ## lookups of addresses among 1,000,000 networks
	$(QUIET)$(LINK) -o $(BUILD)/tests/bench-geo tests/geo/bench.c $(BUILD)/libadmatch.a $(LIBRARIES)
	$(BUILD)/tests/bench-geo

$(BUILD)/tests/account: tests/integration/account.c $(BUILD)/libadmatch.a
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(LINK) -MMD -MP -o $@ $< $(BUILD)/libadmatch.a -lcmocka $(LIBRARIES)

integration: all $(foreach name,failing slow_accept shifted_clock blocking_plugin,$(BUILD)/tests/$(name).so) $(BUILD)/tests/account $(BUILD)/tests/mmdb ## a real uWSGI over real sockets; LOOP=admatch: in the loop; LOOP=turns: half of the classes
	ADMATCH_LOOP=$(LOOP) ADMATCH=$(CURDIR)/$(BUILD)/admatch ADMATCH_BUILD=$(BUILD) ADMATCH_UWSGI=$(UWSGI) ADMATCH_SANITIZER=$(SANITIZER) $(PYTHON) tests/integration/run.py $(TESTS)

docs-check: all ## what the documents promise, against the program
	$(PYTHON) tests/lint/docs.py $(BUILD)

library: all ## libadmatch as `make install` installs it: its names, and docs/examples/ in C, C++, CPython and PyPy
	$(PYTHON) tests/library/run.py $(BUILD)

# What reads the source or its documents alone, or what a sanitizer's runtime would have to be loaded before: a sanitizer
# changes nothing there.
LINTS := docs-check glossary rooms headers spdx library

# Seconds that a part may take before it counts as hanging, and the next one has its turn.
PART_SECONDS ?= $(if $(SANITIZER),7200,1200)

test: deps-test ## everything that must hold: unit, model, integration, corpus, docs, rooms
	@$(MAKE) --no-print-directory all
	@status=0; for part in unit model examples integration replay $(if $(SANITIZER),,$(LINTS)); do \
	    echo "== $$part"; \
	    timeout -k 10 $(PART_SECONDS) $(MAKE) --no-print-directory $$part LOOP=$(or $(LOOP),turns) || { status=1; failed="$$failed $$part"; }; done; \
	if test $$status = 0; then echo "make test: all parts passed"; else echo "make test: FAILED:$$failed"; fi; exit $$status

check: test ## the same as `make test`

# What takes minutes, or needs what not every machine has.
SLOW_PARTS := both-loops browser fresh pair-quick words postgresql

test-all: test ## that, then all integration tests in either loop, the pages in a browser, a fresh Debian, whether bench-pair runs, the loader of PostgreSQL, and the word rules over real words
	@status=0; for part in $(SLOW_PARTS); do \
	    echo "== $$part"; \
	    $(MAKE) --no-print-directory $$part || { status=1; failed="$$failed $$part"; }; done; \
	if test $$status = 0; then echo "make test-all: all parts passed"; else echo "make test-all: FAILED:$$failed"; fi; exit $$status

.PHONY: both-loops browser pair-quick postgresql
both-loops:
	@$(MAKE) --no-print-directory model MODEL_DECISIONS=100000
	@$(MAKE) --no-print-directory integration LOOP=admatch
	@$(MAKE) --no-print-directory integration LOOP=

browser: deps-browser all ## the pages for people in Debian's chromium; SCREENSHOTS=FOLDER keeps pictures of them
	cd tests/browser && SCREENSHOTS=$(abspath $(SCREENSHOTS)) ADMATCH_BUILD=$(BUILD) ADMATCH_UWSGI=$(UWSGI) ADMATCH_SANITIZER=$(SANITIZER) $(PYTHON) -m unittest -v

postgresql: deps-postgresql all ## the loader of the event log against Debian's PostgreSQL
	cd tests/postgresql && ADMATCH_BUILD=$(BUILD) $(PYTHON) -m unittest -v

pair-quick:
	cd tests/bench && $(PYTHON) -m unittest -q
	@$(MAKE) --no-print-directory bench-pair BASE=HEAD PAIRS=1 PAIR_ARGUMENTS=--quick

.PHONY: words
words: deps-words ## word rules against Snowball, misspelt words and a browser, over lists of real words
	@$(MAKE) --no-print-directory all
	$(PYTHON) tests/words/agreement.py --admatch $(BUILD)/admatch
	$(PYTHON) tests/words/spelling.py --admatch $(BUILD)/admatch
	$(PYTHON) tests/words/pages.py --admatch $(BUILD)/admatch --browser

fresh: deps-fresh ## the two commands of README in a Debian 12 that has nothing else; the package, too (root only)
	$(PYTHON) tests/fresh/run.py

.PHONY: rooms headers spdx glossary library
rooms: $(BUILD)/admatch_plugin.so $(SHARED)
	$(PYTHON) tests/lint/rooms.py $(BUILD)/admatch_plugin.so $(SHARED)

headers: ## public headers compile as C++
	$(PYTHON) tests/lint/headers.py

glossary: ## one word for each thing, as docs/ARCHITECTURE.md has it
	$(PYTHON) tests/lint/glossary.py

spdx: ## each source file names its licence
	$(PYTHON) tests/lint/spdx.py

lint: deps-lint deps-test ## rooms, format, and what clang-tidy, cppcheck and gcc -fanalyzer find in all C
	@$(MAKE) --no-print-directory rooms
	clang-format --dry-run --Werror $$(git ls-files -co --exclude-standard '*.c' '*.h')
	$(PYTHON) tests/lint/analyse.py $(filter -std% -O% -W%,$(ALL_CFLAGS)) $(DEFINES) $(UWSGI_CFLAGS)

# ---- fuzzing ----------------------------------------------------------------------------------

# ENGINE=afl: the same targets by AFL++; they are built apart, in build/afl.
ENGINE ?= libfuzzer
FUZZ_CC := $(if $(filter afl,$(ENGINE)),AFL_QUIET=1 afl-clang-fast,$(CLANG))
FUZZ_BUILD := build/$(if $(filter afl,$(ENGINE)),afl,fuzz)
FUZZ_CFLAGS := -std=gnu11 -O1 -g -DAM_SMALL_BUFFERS $(DEFINES) -fno-omit-frame-pointer -fsanitize=address,undefined,integer -fno-sanitize-recover=undefined,integer $(INTEGER_EXCEPT)
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

$(BUILD)/replay/%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(wildcard tests/fuzz/*.h) $(BUILD)/libadmatch.a
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(LINK) -o $@ tests/fuzz/fuzz_$*.c tests/fuzz/replay.c $(BUILD)/libadmatch.a $(LIBRARIES)

replay: $(FUZZ_TARGETS:%=$(BUILD)/replay/%) ## each file of the fuzzing corpus once, without a fuzzer
	@status=0; for topic in $(FUZZ_TARGETS); do $(BUILD)/replay/$$topic tests/fuzz/corpus/$$topic || { status=1; echo "FAILED: $$topic"; }; done; exit $$status

# The slowest request. Images are kept until what makes them changes.
COST_SECONDS ?= 120
COST_SOURCES := $(wildcard tests/cost/*.c)

$(BUILD)/cost/search: $(COST_SOURCES) tests/cost/cost.h $(BUILD)/libadmatch.a
	@mkdir -p $(@D)
	@echo '  LD $@'
	$(QUIET)$(LINK) -o $@ $(COST_SOURCES) $(BUILD)/libadmatch.a $(LIBRARIES)

$(BUILD)/cost/images: tests/cost/inventories.c $(wildcard plugin/index/*.[ch]) | $(BUILD)/cost/search
	@rm -f $(BUILD)/cost/*.image
	@touch $@

fuzz-cost: deps-build $(BUILD)/cost/search $(BUILD)/cost/images ## climb towards the slowest request for COST_SECONDS (120), 0: known ones only; COST_INVENTORIES="one subsets" for some
	$(BUILD)/cost/search $(BUILD)/cost $(COST_SECONDS) $(COST_INVENTORIES)

compile: deps-compile ## build every program here, those of the tests, too
	@$(MAKE) --no-print-directory all $(UNIT_TESTS) $(FUZZ_TARGETS:%=$(BUILD)/replay/%) $(BUILD)/cost/search $(BUILD)/tests/failing.so $(BUILD)/tests/slow_accept.so $(BUILD)/tests/shifted_clock.so $(BUILD)/tests/load

SOAK_TESTS := $(addprefix $(BUILD)/tests/,test_delivery_kills test_delivery_caps test_token test_events test_events_processes)

$(BUILD)/tests/load: $(wildcard tests/soak/*.c tests/soak/*.h)
	@mkdir -p $(@D)
	$(LINK) -o $@ $(filter %.c,$^)

.PHONY: same-answers
same-answers: all ## INVENTORY=FILE QUERIES=FILE: the server answers what the command answers, byte for byte
	ADMATCH=$(CURDIR)/$(BUILD)/admatch ADMATCH_BUILD=$(BUILD) ADMATCH_UWSGI=$(UWSGI) $(PYTHON) tests/integration/same_answers.py $(INVENTORY) $(QUERIES)

soak: deps-test all $(BUILD)/tests/load $(SOAK_TESTS) ## swaps, kills, neighbours, memory, latency and hostile clients, the ledger and events, under load, for SOAK_SECONDS (600); SECTIONS="swaps memory" for some, LOOP=admatch as above
	ADMATCH_LOOP=$(LOOP) ADMATCH_BUILD=$(BUILD) ADMATCH_UWSGI=$(UWSGI) ADMATCH_SANITIZER=$(SANITIZER) $(PYTHON) tests/soak/soak.py --seconds $(SOAK_SECONDS) $(SECTIONS)

bench: deps-bench ## measure, as docs/BENCHMARKS.md reports
	@$(MAKE) --no-print-directory all
	$(PYTHON) tests/bench/run.py $(BENCH_ARGUMENTS)

bench-pair: deps-build ## BASE=COMMIT: measure it and this work tree (or NEW=COMMIT) in turns; SECTIONS="engine server" PAIRS=20 LIMIT=3 DATA=FOLDER
	$(PYTHON) tests/bench/pair.py --base $(or $(BASE),$(error BASE=COMMIT is missing)) $(if $(NEW),--new $(NEW)) $(if $(PAIRS),--pairs $(PAIRS)) \
	    $(if $(LIMIT),--limit $(LIMIT)) $(if $(DATA),--data $(DATA)) $(PAIR_ARGUMENTS) $(SECTIONS)

# ---- installing -------------------------------------------------------------------------------

INSTALL ?= install
DOC_DIR := $(PREFIX)/share/doc/uwsgi-plugin-admatch
BASH_DIR := $(PREFIX)/share/bash-completion/completions
ZSH_DIR := $(PREFIX)/share/zsh/vendor-completions

# Where libraries are: Debian's folder for this machine when it is installed to /usr.
LIBDIR ?= $(PREFIX)/lib
define PKG_CONFIG
prefix=$(PREFIX)
libdir=$(LIBDIR)
includedir=$${prefix}/include

Name: admatch
Description: which ads fit a page, a query or a bid request
Version: $(VERSION)
Libs: -L$${libdir} -ladmatch
Cflags: -I$${includedir}
endef
export PKG_CONFIG

install: install-server install-lib ## the plugin to PLUGIN_DIR, the command, the library and their manuals under PREFIX; DESTDIR is honoured

install-server: all ## the plugin, the command and its manual alone
	$(INSTALL) -d $(DESTDIR)$(PLUGIN_DIR) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(DOC_DIR)
	$(INSTALL) -m 644 $(BUILD)/admatch_plugin.so $(DESTDIR)$(PLUGIN_DIR)/admatch_plugin.so
	$(INSTALL) -m 755 $(BUILD)/admatch $(DESTDIR)$(PREFIX)/bin/admatch
	$(INSTALL) -m 644 docs/admatch.1 $(DESTDIR)$(PREFIX)/share/man/man1/admatch.1
	$(INSTALL) -d $(DESTDIR)$(BASH_DIR) $(DESTDIR)$(ZSH_DIR)
	$(BUILD)/admatch completion bash > $(DESTDIR)$(BASH_DIR)/admatch
	$(BUILD)/admatch completion zsh > $(DESTDIR)$(ZSH_DIR)/_admatch
	$(INSTALL) -m 644 LICENSE $(DESTDIR)$(DOC_DIR)/copyright

install-lib: $(SHARED) ## the library, its header and its manual alone
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/share/man/man3
	$(INSTALL) -m 644 $(SHARED) $(DESTDIR)$(LIBDIR)/$(notdir $(SHARED))
	ln -sf $(notdir $(SHARED)) $(DESTDIR)$(LIBDIR)/libadmatch.so
	printf '%s\n' "$$PKG_CONFIG" > $(DESTDIR)$(LIBDIR)/pkgconfig/admatch.pc
	$(INSTALL) -m 644 plugin/include/admatch.h $(DESTDIR)$(PREFIX)/include/admatch.h
	$(INSTALL) -m 644 docs/libadmatch.3 $(DESTDIR)$(PREFIX)/share/man/man3/libadmatch.3

uninstall: ## remove what `make install` has put there
	rm -f $(DESTDIR)$(LIBDIR)/$(notdir $(SHARED)) $(DESTDIR)$(LIBDIR)/libadmatch.so $(DESTDIR)$(LIBDIR)/pkgconfig/admatch.pc \
	    $(DESTDIR)$(PREFIX)/include/admatch.h $(DESTDIR)$(PREFIX)/share/man/man3/libadmatch.3
	rm -f $(DESTDIR)$(PLUGIN_DIR)/admatch_plugin.so $(DESTDIR)$(PREFIX)/bin/admatch $(DESTDIR)$(PREFIX)/share/man/man1/admatch.1 \
	    $(DESTDIR)$(DOC_DIR)/copyright $(DESTDIR)$(BASH_DIR)/admatch $(DESTDIR)$(ZSH_DIR)/_admatch
	-rmdir --ignore-fail-on-non-empty $(DESTDIR)$(DOC_DIR)

dist: ## the committed source as build/admatch-VERSION.tar.gz
	@mkdir -p build
	git archive --prefix=admatch-$(VERSION)/ -o build/admatch-$(VERSION).tar.gz HEAD

# Debian's own tools want debian/ on top of the source, so they get a copy of it that has one.
DEB_SOURCE := build/deb/admatch-$(VERSION)
DEB_DATE = $(shell date -R -u -d @$(or $(SOURCE_DATE_EPOCH),$(shell stat -c %Y VERSION)))

deb: deps-deb ## a Debian package in build/
	rm -rf build/deb
	mkdir -p $(DEB_SOURCE)
	tar -c --exclude=./build --exclude=./.git . | tar -x -C $(DEB_SOURCE)
	cp -r configs/debian $(DEB_SOURCE)/debian
	sed 's/@VERSION@/$(VERSION)/; s/@DATE@/$(DEB_DATE)/' configs/debian/changelog > $(DEB_SOURCE)/debian/changelog
	cd $(DEB_SOURCE) && dpkg-buildpackage --build=binary --no-sign
	mv build/deb/*.deb build/

clean: ## remove build/
	rm -rf build
