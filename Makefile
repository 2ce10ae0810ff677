# admatch: `make help` lists what there is to make.
#
#   make SANITIZER=address|undefined|thread ...   builds apart, in build/<sanitizer>
#   make WERROR=1 ...                             warnings are errors (CI does)

SHELL := /bin/bash
CC ?= gcc
SANITIZER ?=
BUILD := build/$(if $(SANITIZER),$(SANITIZER),release)
UWSGI ?= $(firstword $(wildcard /usr/bin/uwsgi-core /usr/bin/uwsgi) uwsgi)
PYTHON ?= python3

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla $(if $(WERROR),-Werror)
CFLAGS ?= -O2 -g
HARDENING := -fstack-protector-strong -D_FORTIFY_SOURCE=2
SANITIZE := $(if $(SANITIZER),-fsanitize=$(SANITIZER) -fno-omit-frame-pointer $(if $(filter undefined,$(SANITIZER)),-fno-sanitize-recover=all),$(HARDENING))
ALL_CFLAGS := -std=gnu11 $(CFLAGS) $(WARNINGS) $(SANITIZE) -fPIC -fvisibility=hidden -D_GNU_SOURCE -DXXH_INLINE_ALL
LIBRARIES := -lutf8proc -lstemmer -lz -lm

ROOMS := base text inventory index match api
ENGINE_SOURCES := $(foreach room,$(ROOMS),$(wildcard plugin/$(room)/*.c))
ENGINE_OBJECTS := $(ENGINE_SOURCES:%.c=$(BUILD)/%.o)
PLUGIN_SOURCES := $(wildcard plugin/uwsgi/*.c)
CLI_SOURCES := $(wildcard plugin/cli/*.c)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: all help clean unit
all: $(BUILD)/admatch_plugin.so $(BUILD)/admatch ## build the plugin and the command

help: ## this list
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# ---- building ---------------------------------------------------------------------------------

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libadmatch.a: $(ENGINE_OBJECTS)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/admatch: $(CLI_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/libadmatch.a
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(LIBRARIES)

# The target's own header and flags: struct layouts depend on them.
$(BUILD)/uwsgi.h:
	@mkdir -p $(@D)
	$(UWSGI) --dot-h > $@.new && mv $@.new $@

$(BUILD)/plugin/uwsgi/%.o: plugin/uwsgi/%.c $(BUILD)/uwsgi.h
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(filter -D% -I/%,$(shell $(UWSGI) --cflags)) -isystem $(BUILD) -MMD -MP -c $< -o $@

$(BUILD)/admatch_plugin.so: $(PLUGIN_SOURCES:%.c=$(BUILD)/%.o) $(BUILD)/libadmatch.a
	$(CC) $(ALL_CFLAGS) -shared -o $@ $^ $(LIBRARIES)

-include $(shell find build -name '*.d' 2>/dev/null)

# ---- tests ------------------------------------------------------------------------------------

$(BUILD)/tests/%: tests/unit/%.c $(BUILD)/libadmatch.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -Itests/unit -o $@ $< $(BUILD)/libadmatch.a -lcmocka -ljansson $(LIBRARIES)

unit: $(UNIT_TESTS) ## the unit tests of the engine
	@status=0; for test in $(UNIT_TESTS); do $$test || status=1; done; exit $$status

clean: ## remove build/
	rm -rf build
