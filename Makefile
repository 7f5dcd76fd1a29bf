# Vesta. `make run` and `make test` do all they need by themselves; `make help` lists the rest.
.DEFAULT_GOAL := build
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

# --- configuration -------------------------------------------------------------------------------
CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
SAN ?=
OPT ?= -O2
BUILD ?= build
comma := ,
variant := $(if $(SAN),san-$(subst $(comma),-,$(SAN)),release)
OUT := $(BUILD)/$(variant)

VERSION := $(shell cat VERSION 2>/dev/null || echo 0)
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wformat=2
CPPFLAGS := -D_GNU_SOURCE -Iinternal -Itests/unit -I$(OUT)/gen
CFLAGS := -std=gnu17 $(OPT) -g -fno-omit-frame-pointer -fno-strict-aliasing $(WARN)
LDLIBS := -lmicrohttpd -ljansson -lsodium -lsqlite3 -lyaml -lurcu-bp -lurcu-cds -lgnutls -lnettle \
          -lhogweed -lgmp -lz -lcurl -lseccomp -lpthread -lm
ifneq ($(SAN),)
CFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all
LDFLAGS += -fsanitize=$(SAN)
else
# Hardening; tests/tools/hardened.sh holds the program against it. 3 checks what 2 cannot size, from
# gcc 12 on; clang 14 takes it for 2, and x86 alone knows the landing pads of -fcf-protection.
CPPFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
CFLAGS += -fstack-protector-strong -fstack-clash-protection -fPIE
CFLAGS += $(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
LDFLAGS += -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
endif
ifeq ($(V),1)
Q :=
else
Q := @
say = @echo "  $(1) $(2)";
endif

# --- the house -----------------------------------------------------------------------------------
# floor_N are the modules of floor N; a module may include only lower floors (make lint checks it).
floor_0 := base
floor_1 := value
floor_2 := model tmpl ignition sign
floor_3 := match render
floor_4 := store catalog
floor_5 := service
floor_6 := http
floor_7 := boot rest
floors := 0 1 2 3 4 5 6 7
modules := $(foreach f,$(floors),$(floor_$(f)))
# What a module's unit test links, beside the module: the lower floors that it needs.
needs_base :=
needs_value := base
needs_model := base value
needs_tmpl := base value
needs_ignition := base value
needs_sign := base
needs_match := base value model
needs_render := base value model tmpl ignition match
needs_store := base value model
needs_catalog := base value model tmpl ignition match render
needs_service := base value model tmpl ignition sign match render store catalog
needs_http := base
needs_boot := $(needs_service) service http
needs_rest := $(needs_service) service http

module_sources = $(wildcard internal/$(1)/*.c)
module_objects = $(patsubst %.c,$(OUT)/%.o,$(call module_sources,$(1)))
LIB_OBJECTS := $(foreach m,$(modules),$(call module_objects,$(m))) $(OUT)/gen/embedded.o
CMD_OBJECTS := $(patsubst %.c,$(OUT)/%.o,$(wildcard cmd/vesta/*.c))

.PHONY: build
build: $(OUT)/vesta
	$(if $(SAN),,$(Q)ln -sfn $(variant)/vesta $(BUILD)/vesta)

$(OUT)/vesta: $(CMD_OBJECTS) $(LIB_OBJECTS)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/%.o: %.c Makefile | $(OUT)/gen/version.h
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/gen/%.o: $(OUT)/gen/%.c
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The version header changes only when its text does, so that a commit rebuilds what shows it only.
.PHONY: force
$(OUT)/gen/version.h: force
	$(Q)mkdir -p $(@D) && printf '#define VESTA_VERSION "%s"\n#define VESTA_COMMIT "%s"\n' '$(VERSION)' '$(COMMIT)' > $@.tmp && (cmp -s $@.tmp $@ || cp $@.tmp $@) && rm -f $@.tmp

# The API's description as JSON, by a program of our own that is run while building.
TO_JSON := $(OUT)/api/to_json
$(TO_JSON): $(TO_JSON).o $(call module_objects,base) $(call module_objects,value)
	$(call say,LINK,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/gen/api/openapi.json: api/openapi.yaml $(TO_JSON)
	$(call say,JSON,$@)mkdir -p $(@D) && $(TO_JSON) < $< > $@.tmp && mv $@.tmp $@

# templates/, the schema and the API's description, as byte arrays.
EMBEDDED := $(sort $(wildcard templates/*) $(wildcard internal/store/schema/*.sql)) $(OUT)/gen/api/openapi.json
$(OUT)/gen/embedded.c: tests/tools/embed.sh Makefile $(EMBEDDED)
	$(call say,EMBED,$@)mkdir -p $(@D) && tests/tools/embed.sh $(EMBEDDED) > $@.tmp && mv $@.tmp $@

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)

include tests/tests.mk
-include tests/boot.mk
-include tests/image.mk
-include tests/bench.mk

.PHONY: help clean
help:
	@echo "make run         build, import data/ at the first run, serve on 127.0.0.1:8080 and :8081"
	@echo "make test        everything but the QEMU boots     (SAN=address,undefined or SAN=thread)"
	@echo "make test-boot   real boot loaders in QEMU; ONLY=grub-efi runs one"
	@echo "make test-concurrency  32 writers and 32 readers for a minute"
	@echo "make fuzz        every fuzz target for T=60 seconds (clang)"
	@echo "make lint        format, floors, static checks"
	@echo "make bench       requests a second against nginx, side by side"
	@echo "make bench-scale   how time, memory and start grow from 1 to 1,000,000 groups: a table and a plot"
	@echo "make soak        everything at once for T=60 seconds under sanitizers; memory before and after"
	@echo "make bench-writes  single writes a second beside SQLite alone"
	@echo "make image       the container image               (BASE=image)"
	@echo "make deps        installs what building and testing need"

clean:
	rm -rf $(BUILD)
