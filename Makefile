# SPDX-License-Identifier: GPL-2.0-only
# winmem: `make help` lists the targets.

VERSION	:= 0.1.0
SONAME	:= libwinmem.so.0
PREFIX	?= /usr/local
LIBDIR	?= $(PREFIX)/lib
B	:= build

# For `make module`: the running kernel, or one of the VM's with KERNEL=6.1 or 6.12.
KERNEL	?=
KERNELS	:= 6.1 6.12

CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Werror
LIB_CC	 = $(CC) -std=gnu11 $(CFLAGS) $(WARN) -fvisibility=hidden -fPIC -Iuapi -Ilib/include -Ilib
TEST_CC	 = $(CC) -std=gnu11 -O1 -g $(WARN) -Iuapi -Ilib/include
UNIT_CC	 = $(TEST_CC) -DDEBUG -Wno-sign-compare -fsanitize=address,undefined -fno-sanitize-recover=all \
	   -Itests/unit/shim -I.

LIB_SRC	:= $(wildcard lib/*.c)
LIB_OBJ	:= $(LIB_SRC:%.c=$(B)/%.o)
LIB_HDR	:= $(wildcard lib/*.h lib/include/*.h uapi/linux/*.h)
LIBS	:= $(B)/lib/libwinmem.a $(B)/lib/libwinmem.so.$(VERSION)
HELPERS	:= common
tests	 = $(patsubst tests/%.c,$(B)/tests/%,$(filter-out $(HELPERS:%=tests/$(1)/%.c),$(wildcard tests/$(1)/*.c)))
UNIT	:= $(call tests,unit)
UAPI	:= $(call tests,uapi)
LIBT	:= $(call tests,lib)
MALLOCT	:= $(call tests,malloc)

# What programs share: made once, and not among them.
COMMON	:= $(patsubst %.c,$(B)/%.o,$(wildcard tests/common/*.c))
UAPI_OBJ := $(B)/tests/common-uapi.o $(COMMON)
LIBT_OBJ := $(B)/tests/common-lib.o $(COMMON) $(B)/lib/libwinmem.a
UAPI_HDR := $(wildcard tests/common/*.h tests/uapi/*.h) uapi/linux/winmem.h

.SECONDARY: $(UAPI_OBJ) $(B)/tests/common-lib.o
.PHONY: all help deps module lib malloc tests demo check unit test-vm programs suite vm-selftest kunit check-debug \
	races injected stress fuzz watch coverage check-matrix \
	check-dkms bench profile bench-docs install install-lib install-data modules_install dkms-install dkms-remove \
	clean
all: lib

## all: the library (the default)
## help: this list
help:
	@sed -n 's/^## //p' Makefile

## deps: install the Debian packages that building and testing need
deps:
	@tests/vm/deps $$(cat tests/packages)

## module: build/module/winmem.ko for the running kernel; KERNEL=6.1 or 6.12 for the VM's
module:
	@tests/build-module $(KERNEL)

## lib: build/lib/libwinmem.so.0 and libwinmem.a
lib: $(LIBS)

$(B)/lib/%.o: lib/%.c $(LIB_HDR)
	@mkdir -p $(@D)
	$(LIB_CC) -c $< -o $@

$(B)/lib/libwinmem.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/lib/libwinmem.so.$(VERSION): $(LIB_OBJ) lib/libwinmem.map
	$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=lib/libwinmem.map -Wl,-z,defs,-z,nodelete -Wl,-Bsymbolic-functions \
		$(LDFLAGS) $(LIB_OBJ) -pthread -o $@
	ln -sf $(@F) $(@D)/$(SONAME)
	ln -sf $(SONAME) $(@D)/libwinmem.so

## malloc: build/libwinmem-malloc.so, a malloc() for LD_PRELOAD that is HeapAlloc()
malloc: $(B)/libwinmem-malloc.so

$(B)/libwinmem-malloc.so: malloc/malloc.c malloc/malloc.map $(LIB_OBJ)
	$(LIB_CC) -fno-builtin -shared -Wl,-soname,$(@F) -Wl,--version-script=malloc/malloc.map \
		-Wl,-z,defs,-z,nodelete -Wl,-Bsymbolic-functions $(LDFLAGS) $< $(LIB_OBJ) -pthread -o $@

# Linked with it rather than preloaded, so that the runner need not know.
$(B)/tests/malloc/%: tests/malloc/%.c $(B)/libwinmem-malloc.so
	@mkdir -p $(@D)
	$(TEST_CC) $< $(B)/libwinmem-malloc.so -Wl,-rpath,$(CURDIR)/$(B) -lcmocka -pthread -o $@

## tests: build the test programs
tests: $(UNIT) $(UAPI) $(LIBT) $(MALLOCT) $(B)/demo

$(B)/tests/unit/lib_%: tests/unit/lib_%.c $(LIB_SRC) $(LIB_HDR)
	@mkdir -p $(@D)
	$(TEST_CC) -fsanitize=address,undefined -fno-sanitize-recover=all -Ilib -I. $< -lcmocka -o $@

# The allocator, compiled into its tests with page calls of theirs.
HEAP_SRC := $(wildcard lib/heap_*.c tests/unit/shim/heap_*.c)
HEAP_HDR := $(wildcard lib/heap_*.h tests/unit/heap_*.h tests/unit/shim/heap_*.h)
HEAP_OBJ := $(HEAP_SRC:%.c=$(B)/sanitized/%.o)
.SECONDARY: $(HEAP_OBJ)
SANITIZE := -fno-sanitize-recover=all -fsanitize
$(B)/sanitized/%.o: %.c $(HEAP_HDR)
	@mkdir -p $(@D)
	$(TEST_CC) $(SANITIZE)=address,undefined -Ilib -c $< -o $@

$(B)/tests/unit/heap_threads: tests/unit/heap_threads.c $(HEAP_SRC) $(HEAP_HDR)
	@mkdir -p $(@D)
	$(TEST_CC) $(SANITIZE)=thread -Ilib $< $(HEAP_SRC) -lcmocka -pthread -o $@

$(B)/tests/unit/heap_%: tests/unit/heap_%.c $(HEAP_OBJ) $(HEAP_HDR)
	@mkdir -p $(@D)
	$(TEST_CC) $(SANITIZE)=address,undefined -Ilib $< $(HEAP_OBJ) -lcmocka -pthread -o $@

$(B)/tests/unit/%: tests/unit/%.c $(wildcard module/*.[ch] tests/unit/shim/*.[ch] tests/stress/model.[ch])
	@mkdir -p $(@D)
	$(UNIT_CC) $< $(if $(filter pages,$*),module/chunk.c module/prot.c) tests/unit/shim/kernel.c -lcmocka -o $@

$(B)/tests/common/%.o: tests/common/%.c $(wildcard tests/common/*.h)
	@mkdir -p $(@D)
	$(TEST_CC) -c $< -o $@

$(B)/tests/common-%.o: tests/%/common.c $(UAPI_HDR) $(wildcard tests/lib/*.h lib/include/*.h)
	@mkdir -p $(@D)
	$(TEST_CC) -c $< -o $@

$(B)/tests/uapi/%: tests/uapi/%.c $(UAPI_HDR) $(UAPI_OBJ)
	@mkdir -p $(@D)
	$(TEST_CC) $< $(UAPI_OBJ) -lcmocka -pthread -o $@

$(B)/tests/race/%: tests/race/%.c tests/race/race.c tests/race/race.h module/widen.h $(UAPI_HDR) $(UAPI_OBJ)
	@mkdir -p $(@D)
	$(TEST_CC) -Itests/uapi $< tests/race/race.c $(UAPI_OBJ) -lcmocka -pthread -o $@

$(B)/tests/inject/%: tests/inject/%.c tests/inject/inject.c tests/inject/inject.h $(UAPI_HDR) $(UAPI_OBJ)
	@mkdir -p $(@D)
	$(TEST_CC) -Itests/uapi $< tests/inject/inject.c $(UAPI_OBJ) -lcmocka -pthread -o $@

$(B)/tests/lib/%: tests/lib/%.c $(UAPI_HDR) $(wildcard tests/lib/*.h) $(LIBT_OBJ)
	@mkdir -p $(@D)
	$(TEST_CC) $< $(LIBT_OBJ) -lcmocka -pthread -o $@

$(B)/demo: demo/demo.c $(B)/lib/libwinmem.a
	@mkdir -p $(@D)
	$(TEST_CC) $< $(B)/lib/libwinmem.a -pthread -o $@

## demo: see it work, in a virtual machine (installs, builds and boots what it needs)
demo:
	@tests/demo

## check: all tests, in virtual machines on every kernel; ends with `N passed, N failed`
check:
	@tests/check

## unit: the host's tests alone
unit: $(UNIT)
	@tests/run $(UNIT)

## test-vm: the VM's tests alone; KERNEL=6.1 or 6.12
test-vm: $(UAPI) $(LIBT) $(MALLOCT)
	@tests/build-module $(or $(KERNEL),6.1)
	@tests/vm/run --kernel $(or $(KERNEL),6.1) --env WINMEM_VM=1 -- tests/run $(UAPI) $(LIBT) $(MALLOCT)

## programs: what others wrote, with malloc() from winmem's heap and without; KERNEL=6.1 or 6.12
programs: malloc
	@tests/build-module $(or $(KERNEL),6.1)
	@tests/vm/run --kernel $(or $(KERNEL),6.1) -- tests/malloc/programs

## suite: python3's own tests, likewise (five minutes); MODULES="json re" runs those
suite: malloc
	@tests/vm/deps libpython$$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')-testsuite
	@tests/build-module $(or $(KERNEL),6.1)
	@tests/vm/run --kernel $(or $(KERNEL),6.1) --timeout 7200 -- tests/malloc/suite $(MODULES)

## vm-selftest: the tests of the virtual machine itself
vm-selftest:
	@tests/vm/selftest

## kunit: the module's KUnit suites, on a debug kernel that is built once (about 10 minutes)
kunit:
	@tests/kunit/run

## check-debug: KUnit, all tests, races and injected failures on the debug kernel (an hour)
check-debug:
	@tests/check-debug

## races: threads against each other with their windows held open, on the debug kernel
races:
	@tests/races

## injected: every call and fault with each allocation and copy failing, on the debug kernel
injected:
	@tests/injected

## stress: random calls against a model; DURATION=60, SEED=N, KERNEL=6.1, SWAP=1
stress:
	@tests/stressing --kernel $(or $(KERNEL),6.1) --duration $(or $(DURATION),60) \
		--seed $(or $(SEED),0) $(if $(SWAP),--swap)

## fuzz: random calls of the raw ioctls; DURATION=60, KERNEL=debug, SEED=N, STEPS=N
fuzz:
	@DURATION=$(or $(DURATION),60) KERNEL=$(or $(KERNEL),debug) SEED=$(SEED) STEPS=$(STEPS) \
		tests/fuzzing

## watch: write watch under eight threads for ROUNDS=1000 rounds, with swap and without (20 minutes)
watch:
	@ROUNDS=$(or $(ROUNDS),1000) tests/watching

## coverage: which lines of module/ and lib/ the tests execute, and which not (an hour)
coverage:
	@tests/coverage/run

## check-matrix: builds without a warning and all tests, on 6.1, 6.12 and 7.3, gcc and clang
check-matrix:
	@tests/matrix

## check-dkms: build, install, load and remove through DKMS, in virtual machines
check-dkms:
	@tests/dkms/run

## bench: what calls, faults and heaps cost beside their peers; CASES="query heap", KERNEL=6.12
bench:
	@BENCH_KERNELS="$(KERNEL)" tests/bench/run $(CASES)

## profile: a benchmark's kernel instructions by function; CASE=query, SUBJECT=winmem, KERNEL=6.1, SYMBOL=
profile:
	@tests/vm/deps $$(cat tests/packages) python3
	@tests/vm/kernel $(or $(KERNEL),6.1) >/dev/null && tests/build-module $(or $(KERNEL),6.1)
	@$(MAKE) -s $(B)/bench
	@tests/bench/profile $(or $(KERNEL),6.1) $(or $(CASE),query) $(or $(SUBJECT),winmem) $(SYMBOL)

BENCH	:= $(addprefix tests/bench/,bench.c cases.c handlers.c libwinmem.c peers.c suite.c touch.c \
	watchers.c winmem.c)

$(B)/bench: $(BENCH) tests/bench/bench.h uapi/linux/winmem.h $(B)/lib/libwinmem.a
	$(CC) -std=gnu11 -O2 -g $(WARN) -Wno-missing-field-initializers -Iuapi -Ilib/include $(BENCH) \
		$(B)/lib/libwinmem.a -pthread -o $@

## bench-docs: the last table into docs/benchmarks.md
bench-docs:
	@tests/bench/docs

## install: library, header, pkg-config file, manual pages, udev rule, modules-load snippet
install: install-lib install-data

install-lib: lib malloc
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include
	install -m 644 lib/include/winmem.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(B)/lib/libwinmem.a $(B)/lib/libwinmem.so.$(VERSION) $(DESTDIR)$(LIBDIR)/
	ln -sf libwinmem.so.$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libwinmem.so
	install -m 644 $(B)/libwinmem-malloc.so $(DESTDIR)$(LIBDIR)/
	sed -e 's|@PREFIX@|$(PREFIX)|;s|@LIBDIR@|$(LIBDIR)|;s|@VERSION@|$(VERSION)|' \
		lib/libwinmem.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/libwinmem.pc

install-data:
	install -d $(DESTDIR)/etc/udev/rules.d $(DESTDIR)/etc/modules-load.d
	install -m 644 data/60-winmem.rules $(DESTDIR)/etc/udev/rules.d/
	install -m 644 data/winmem.conf $(DESTDIR)/etc/modules-load.d/
	for s in 3 4 7; do install -d $(DESTDIR)$(PREFIX)/share/man/man$$s && \
		install -m 644 docs/man/*.$$s $(DESTDIR)$(PREFIX)/share/man/man$$s/; done

## modules_install: winmem.ko into the running kernel's modules (as root)
modules_install: module
	$(MAKE) -C /lib/modules/$(shell uname -r)/build M=$(CURDIR)/$(B)/module modules_install
	depmod -a

## dkms-install: winmem.ko for every kernel that DKMS looks after (as root)
dkms-install:
	install -d $(DESTDIR)/usr/src/winmem-$(VERSION)
	cp -r Kbuild dkms.conf module uapi $(DESTDIR)/usr/src/winmem-$(VERSION)/
	$(if $(DESTDIR),,dkms add winmem/$(VERSION) && dkms install winmem/$(VERSION))

## dkms-remove: undo dkms-install
dkms-remove:
	$(if $(DESTDIR),,dkms remove winmem/$(VERSION) --all)
	rm -rf $(DESTDIR)/usr/src/winmem-$(VERSION)

## clean: remove build/
clean:
	rm -rf $(B)
