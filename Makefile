# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
#   sudo make run     dependencies, build, then the daemon with the built-in policy
#   sudo make test    dependencies, build, every test
#   sudo make demo    a real near-OOM in a small cgroup, and how it ends
#   make              build only; V=1 shows the commands
#
# Everything is made below build/ (O=DIR for another place).

O ?= build
CC ?= gcc
CLANG ?= clang
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr
DEPS = libbpf yaml-0.1 libpcre2-8 jansson ncursesw
# 1.0: 64-bit enums in BTF; NULL and errno on failure
LIBBPF_LEAST = 1.0
# /usr/sbin/bpftool of Ubuntu is a script that fails unless the tools of the running kernel are installed
BPFTOOL ?= $(shell for tool in bpftool /usr/sbin/bpftool /usr/local/sbin/bpftool \
	   /usr/lib/linux-tools/*/bpftool /usr/lib/linux-tools-*/bpftool; do \
	   $$tool version >/dev/null 2>&1 && echo $$tool && break; done)

ifeq ($(V),1)
  Q =
  msg =
else
  Q = @
  msg = @printf '  %-8s %s\n' '$(1)' '$(2)';
endif

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
       -Wundef $(if $(WERROR),-Werror)
CFLAGS ?= -O2 -g
# compilers of distributions may define _FORTIFY_SOURCE themselves
FORTIFY = $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN ?= -fstack-protector-strong $(FORTIFY) -fPIE
# read when a recipe runs: install-deps may have brought the libraries only then
DEP_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(DEPS))
DEP_LIBS = $(shell $(PKG_CONFIG) --libs $(DEPS)) -lelf -lz -lm
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARN) $(HARDEN) $(CPPFLAGS) $(CFLAGS) -pthread \
	     -iquote user -iquote bpf -iquote $(O)/bpf -MMD -MP
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS)

ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
BPF_CFLAGS = -target bpf -mcpu=v3 -O2 -g -Wall $(if $(WERROR),-Werror) -D__TARGET_ARCH_$(ARCH) \
	     -iquote bpf -Ivmlinux -idirafter /usr/include/$(shell $(CC) -dumpmachine) -MMD -MP

BPF_OBJS = $(patsubst bpf/%.bpf.c,$(O)/bpf/%.bpf.o,$(sort $(wildcard bpf/*.bpf.c)))
SKEL = $(O)/bpf/fastoom.skel.h
# main.o apart: tests link all the rest
USER_OBJS = $(patsubst user/%.c,$(O)/user/%.o,$(filter-out user/cli/main.c,$(sort $(wildcard user/*/*.c))))
LIB = $(O)/libfastoom.a
BIN = $(O)/fastoom-bpf
LOAD = $(O)/fo-load
MANUAL = $(O)/fo-manual
MANUALS = $(O)/docs/fastoom-bpf.8 $(O)/docs/fastoom-bpf.yaml.5
EXAMPLE = $(O)/docs/config.yaml
COMPLETIONS = $(O)/docs/fastoom-bpf.bash $(O)/docs/_fastoom-bpf $(O)/docs/fastoom-bpf.fish
UNIT_TESTS = $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
LIVE_TESTS = $(patsubst tests/bpf/%.c,$(O)/tests/bpf/%,$(sort $(wildcard tests/bpf/test_*.c)))
TOOLS = $(patsubst tests/tools/%.c,$(O)/tests/tools/%,$(sort $(wildcard tests/tools/*.c)))

.PHONY: all
all: $(BIN) $(LOAD)

.PHONY: deps run test test-build demo vm test-vm-all check-layers check-format install clean
deps:
	$(Q)scripts/install-deps test

# two makes: what is installed must be there when the second one looks for it
run:
	$(Q)scripts/install-deps build
	$(Q)$(MAKE) --no-print-directory all
	$(Q)$(BIN) run

test: deps
	$(Q)$(MAKE) --no-print-directory test-build
	$(Q)O=$(O) tests/run

demo: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)O=$(O) scripts/demo

# a shell in a guest: make vm KERNEL=6.12 CGROUP=2 PSI=0 LRU=mglru SWAP=zram
KERNEL ?= 6.12
CGROUP ?= 2
PSI ?= 1
LRU ?= classic
SWAP ?= none
vm: deps
	$(Q)$(MAKE) --no-print-directory test-build
	$(Q)O=$(O) tests/vm/boot $(O)/vm/shell $(KERNEL) $(CGROUP) $(PSI) $(LRU) $(SWAP)

# every cell of the matrix: hours; the table is then in build/vm-matrix.md
test-vm-all: deps
	$(Q)$(MAKE) --no-print-directory test-build
	$(Q)O=$(O) tests/vm/matrix all

# docs/judge-report.md: the quality of the judgement on the traces in tests/corpus
.PHONY: judge-report
judge-report:
	$(Q)scripts/install-deps statistics
	$(Q)$(MAKE) --no-print-directory test-build
	$(Q)O=$(O) scripts/judge-report >$(O)/judge-report.md && cp $(O)/judge-report.md docs/judge-report.md
	$(Q)O=$(O) scripts/judge-report --real >$(O)/judge-real.md && cp $(O)/judge-real.md docs/judge-real.md
	$(Q)cat docs/judge-report.md docs/judge-real.md

# a warning is an error here, and nowhere else: a newer compiler has newer warnings
test-build: WERROR = 1
test-build: all docs $(UNIT_TESTS) $(LIVE_TESTS) $(TOOLS)

check-layers:
	$(Q)scripts/check-layers user

check-format:
	$(Q)clang-format --dry-run -Werror $(shell git ls-files '*.c' '*.h')

# ---- what the build needs ----------------------------------------------------

LIBRARIES = $(O)/libraries
$(LIBRARIES):
	$(Q)mkdir -p $(@D)
	$(Q)for library in $(DEPS); do $(PKG_CONFIG) --exists $$library || { \
		echo "there is no $$library (pkg-config); run scripts/install-deps build" >&2; exit 1; }; done
	$(Q)$(PKG_CONFIG) --atleast-version=$(LIBBPF_LEAST) libbpf || { \
		echo "libbpf $$($(PKG_CONFIG) --modversion libbpf) is too old; install libbpf $(LIBBPF_LEAST)" \
		"or newer, and set PKG_CONFIG_PATH if it is not where pkg-config looks" >&2; exit 1; }
	$(Q)touch $@

# ---- kernel side ---------------------------------------------------------

$(O)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call msg,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(O)/bpf/fastoom.o: $(BPF_OBJS)
	$(call msg,GEN-OBJ,$@)
	$(Q)test -n "$(BPFTOOL)" || { echo "no bpftool runs here; run scripts/install-deps build, or set" \
		"BPFTOOL=PATH" >&2; exit 1; }
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKEL): $(O)/bpf/fastoom.o
	$(call msg,GEN-SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name fastoom > $@

# ---- user side -----------------------------------------------------------

$(O)/user/sense/loader.o: $(SKEL)

$(O)/user/%.o: user/%.c | $(LIBRARIES)
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(DEP_CFLAGS) -c $< -o $@

$(LIB): $(USER_OBJS)
	$(call msg,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# of the commit that is built, where the source is a git tree of its own
COMMIT ?= $(if $(wildcard .git),$(shell git -c safe.directory=$(CURDIR) describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null))
$(O)/commit: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' >$@
# .SECONDARY would make it an intermediate file
.PHONY: FORCE
$(O)/user/cli/main.o: $(O)/commit
$(O)/user/cli/main.o: CPPFLAGS += -DFASTOOM_COMMIT='"$(COMMIT)"'

$(BIN): $(O)/user/cli/main.o $(LIB)
	$(call msg,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -pthread $^ -o $@ $(DEP_LIBS)

$(LOAD): tests/load/fo-load.c
	$(call msg,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $< -o $@ -pie

# ---- what is made of the parser's own tables -------------------------------

.PHONY: docs
docs: $(MANUALS) $(COMPLETIONS) $(EXAMPLE)

$(MANUAL): docs/manual.c $(LIB)
	$(call msg,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(DEP_CFLAGS) $< $(LIB) $(ALL_LDFLAGS) -o $@ $(DEP_LIBS)

$(O)/docs/%.8 $(O)/docs/%.5: $(O)/docs/%.scd
	$(call msg,MAN,$@)
	$(Q)scdoc <$< >$@

$(O)/docs/fastoom-bpf.scd: $(MANUAL)
	$(Q)mkdir -p $(@D)
	$(Q)$(MANUAL) man8 >$@
$(O)/docs/fastoom-bpf.yaml.scd: $(MANUAL)
	$(Q)mkdir -p $(@D)
	$(Q)$(MANUAL) man5 >$@
$(EXAMPLE): $(MANUAL)
	$(Q)mkdir -p $(@D)
	$(Q)$(MANUAL) config >$@
$(O)/docs/fastoom-bpf.bash: $(MANUAL)
	$(Q)mkdir -p $(@D)
	$(Q)$(MANUAL) bash >$@
$(O)/docs/_fastoom-bpf: $(MANUAL)
	$(Q)mkdir -p $(@D)
	$(Q)$(MANUAL) zsh >$@
$(O)/docs/fastoom-bpf.fish: $(MANUAL)
	$(Q)mkdir -p $(@D)
	$(Q)$(MANUAL) fish >$@

# ---- tests ---------------------------------------------------------------

$(O)/tests/%: tests/%.c $(LIB)
	$(call msg,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(DEP_CFLAGS) -iquote tests $< $(LIB) $(ALL_LDFLAGS) -o $@ \
		-lcmocka $(DEP_LIBS)

# Needs clang's runtime (libclang-rt-dev); not part of `make test`. SECONDS=N for longer.
SECONDS ?= 60
FUZZ_CC = $(CLANG) -std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -iquote user
FUZZ_CONFIG = $(addprefix user/config/,config.c errors.c file_keys.c files.c lint.c match_keys.c parse.c \
	      policy_keys.c read.c rule_keys.c) $(addprefix user/base/,file.c regex.c units.c \
	      yaml.c)
.PHONY: fuzz fuzz-config fuzz-trace
fuzz: fuzz-config fuzz-trace

fuzz-config:
	$(Q)mkdir -p $(O)/fuzz/corpus
	$(call msg,FUZZ,$(O)/fuzz/fuzz_config)
	$(Q)$(FUZZ_CC) $(DEP_CFLAGS) tests/fuzz/fuzz_config.c $(FUZZ_CONFIG) -o $(O)/fuzz/fuzz_config \
		-lyaml -lpcre2-8 -pthread
	$(Q)$(O)/fuzz/fuzz_config -max_total_time=$(SECONDS) $(O)/fuzz/corpus tests/fuzz/corpus/config

fuzz-trace:
	$(Q)mkdir -p $(O)/fuzz/corpus-trace
	$(call msg,FUZZ,$(O)/fuzz/fuzz_trace)
	$(Q)$(FUZZ_CC) tests/fuzz/fuzz_trace.c user/tell/trace_read.c user/judge/fields.c \
		-o $(O)/fuzz/fuzz_trace -lz
	$(Q)$(O)/fuzz/fuzz_trace -max_total_time=$(SECONDS) $(O)/fuzz/corpus-trace tests/golden

# ---- installing ------------------------------------------------------------

SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(SHARE)/zsh/site-functions
SHARE = $(PREFIX)/share
# SOURCE:DIRECTORY/
INSTALLED = \
	$(BIN):$(PREFIX)/sbin/ \
	$(O)/docs/fastoom-bpf.8:$(SHARE)/man/man8/ \
	$(O)/docs/fastoom-bpf.yaml.5:$(SHARE)/man/man5/ \
	$(O)/docs/fastoom-bpf:$(SHARE)/bash-completion/completions/ \
	$(O)/docs/_fastoom-bpf:$(ZSHDIR)/ \
	$(O)/docs/fastoom-bpf.fish:$(SHARE)/fish/vendor_completions.d/ \
	$(O)/docs/fastoom-bpf.service:$(UNITDIR)/ \
	$(patsubst %,%:$(SHARE)/fastoom-bpf/,$(sort $(wildcard docs/*.schema.json))) \
	$(patsubst %,%:$(SHARE)/doc/fastoom-bpf/docs/,$(sort $(wildcard docs/*.md))) \
	$(patsubst %,%:$(SHARE)/doc/fastoom-bpf/,LICENSE README.md CHANGELOG.md SECURITY.md)
# of the administrator: never overwritten, and never removed
KEPT = \
	$(EXAMPLE):$(SYSCONFDIR)/fastoom-bpf/config.yaml \
	packaging/fastoom-bpf.default:$(SYSCONFDIR)/default/fastoom-bpf \
	packaging/fastoom-bpf.logrotate:$(SYSCONFDIR)/logrotate.d/fastoom-bpf

# again each time: PREFIX may be another one
$(O)/docs/fastoom-bpf.service: packaging/fastoom-bpf.service FORCE
	$(Q)mkdir -p $(@D)
	$(Q)sed 's|/usr/sbin/|$(PREFIX)/sbin/|; s|/etc/default/|$(SYSCONFDIR)/default/|' $< >$@
# bash finds it by the name of the command
$(O)/docs/fastoom-bpf: $(O)/docs/fastoom-bpf.bash
	$(Q)cp $< $@

.PHONY: uninstall
install: $(BIN) docs $(O)/docs/fastoom-bpf.service $(O)/docs/fastoom-bpf
	$(Q)for pair in $(INSTALLED); do mode=644; \
		case $$pair in $(BIN):*) mode=755 ;; esac; \
		install -D -m $$mode -t "$(DESTDIR)$${pair#*:}" "$${pair%%:*}" || exit; done
	$(Q)for pair in $(KEPT); do to="$(DESTDIR)$${pair#*:}"; \
		if [ -e "$$to" ]; then echo "$$to is kept"; \
		else install -D -m 644 "$${pair%%:*}" "$$to" || exit; fi; done

uninstall:
	$(Q)for pair in $(INSTALLED); do name=$${pair%%:*}; \
		rm -f "$(DESTDIR)$${pair#*:}$${name##*/}" || exit; done
	$(Q)for dir in $(SHARE)/doc/fastoom-bpf/docs $(SHARE)/doc/fastoom-bpf $(SHARE)/fastoom-bpf; do \
		[ ! -d "$(DESTDIR)$$dir" ] || rmdir --ignore-fail-on-non-empty "$(DESTDIR)$$dir"; done
	@echo "$(SYSCONFDIR)/fastoom-bpf and /var/log/fastoom-bpf are kept"

# the Debian package, built from a copy of the tree
.PHONY: deb
deb:
	$(Q)rm -rf $(O)/deb && mkdir -p $(O)/deb/fastoom-bpf
	$(Q)tar -c --exclude-vcs --exclude=./build --exclude=./tests . | tar -x -C $(O)/deb/fastoom-bpf
	$(Q)cp -r packaging/debian $(O)/deb/fastoom-bpf/debian
	$(Q)cd $(O)/deb/fastoom-bpf && unset O MAKEFLAGS MAKELEVEL && COMMIT='$(COMMIT)' dpkg-buildpackage -us -uc -b
	$(Q)for package in $(O)/deb/*.deb; do dpkg-deb -f $$package Package Version Installed-Size; \
		stat -c '%n: %s bytes' $$package; done

clean:
	rm -rf $(O)

-include $(shell find $(O) -path $(O)/vm -prune -o -name '*.d' -type f -print 2>/dev/null)

.DELETE_ON_ERROR:
.SECONDARY:
