// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "../../uapi/linux/winmem.h"

static unsigned long charge_at_start;

bool keeps_memory;

/* Running. */

int test_begin(void)
{
	if (!without_device)
		charge_at_start = charge();
	return 0;
}

/* A test that leaves memory committed would move the numbers of those after it. */
int test_end(void)
{
	if (!without_device && !keeps_memory && charge() != charge_at_start) {
		print_error("the test began with a charge of %#lx and ends with %#lx\n",
			    charge_at_start, charge());
		return -1;
	}
	return 0;
}

/* Checks. */

void call_begin(void)
{
	SetLastError(UNTOUCHED_ERROR);
	errno = UNTOUCHED_ERRNO;
}

void call_succeeded(const char *at, const char *call, unsigned long result)
{
	int err = errno;
	DWORD error = GetLastError();

	if (!result)
		check_failed(at, "%s failed with %u", call, error);
	if (error != UNTOUCHED_ERROR)
		check_failed(at, "%s = %#lx made the last error %u", call, result, error);
	if (err != UNTOUCHED_ERRNO)
		check_failed(at, "%s = %#lx made errno %d", call, result, err);
}

void call_failed(const char *at, const char *call, DWORD error, unsigned long result)
{
	DWORD got = GetLastError();

	if (result)
		check_failed(at, "%s = %#lx, and should have failed with %u", call, result, error);
	if (got != error)
		check_failed(at, "%s failed with %u, not %u", call, got, error);
}

/* What VirtualQuery says. */

MEMORY_BASIC_INFORMATION query_at(const char *at, const void *addr)
{
	MEMORY_BASIC_INFORMATION mbi;

	memset(&mbi, 0xcc, sizeof(mbi));
	call_begin();
	call_succeeded(at, "VirtualQuery", VirtualQuery(addr, &mbi, sizeof(mbi)));
	/* A caller walks by RegionSize: zero would never end. */
	if ((unsigned long)mbi.BaseAddress != ((unsigned long)addr & -PAGE) ||
	    !mbi.RegionSize || mbi.RegionSize % PAGE)
		check_failed(at, "VirtualQuery(%p): base %p, size %#lx", addr, mbi.BaseAddress,
			     mbi.RegionSize);
	return mbi;
}

void check_mbi(const char *at, const void *addr, const void *base, const void *alloc_base,
	       DWORD alloc_prot, size_t size, DWORD state, DWORD prot, DWORD type)
{
	MEMORY_BASIC_INFORMATION mbi = query_at(at, addr);

	if (mbi.BaseAddress != base || mbi.AllocationBase != alloc_base ||
	    mbi.AllocationProtect != alloc_prot || mbi.RegionSize != size ||
	    mbi.State != state || mbi.Protect != prot || mbi.Type != type)
		check_failed(at, "%p is %p/%p/%#x/%#lx/%#x/%#x/%#x, not %p/%p/%#x/%#lx/%#x/%#x/%#x",
			     addr, mbi.BaseAddress, mbi.AllocationBase, mbi.AllocationProtect,
			     mbi.RegionSize, mbi.State, mbi.Protect, mbi.Type,
			     base, alloc_base, alloc_prot, size, state, prot, type);
}

void check_free(const char *at, const void *addr)
{
	MEMORY_BASIC_INFORMATION mbi = query_at(at, addr);

	if (mbi.AllocationBase || mbi.AllocationProtect || mbi.State != MEM_FREE ||
	    mbi.Protect != NA || mbi.Type)
		check_failed(at, "%p is %p/%#x/%#x/%#x/%#x, not free", addr, mbi.AllocationBase,
			     mbi.AllocationProtect, mbi.State, mbi.Protect, mbi.Type);
}

char *free_place_at(const char *at, size_t size)
{
	char *place = VirtualAlloc(NULL, size, MEM_RESERVE, NA);

	if (!place || !VirtualFree(place, 0, MEM_RELEASE))
		check_failed(at, "no place of %#lx bytes: %u", size, GetLastError());
	return place;
}

/* Touching memory. */

bool try_read(const void *addr)
{
	return TRY_TO((void)*(const volatile unsigned char *)addr);
}

/* One locked instruction: never anything but a write, and it keeps what is there. */
bool try_write(void *addr)
{
	return TRY_TO(__atomic_fetch_or((unsigned char *)addr, 0, __ATOMIC_SEQ_CST));
}

bool try_exec(void *addr)
{
	return TRY_TO(((void (*)(void))addr)());
}

static void check_touch(const char *at, bool done, void *addr, char kind, bool allowed)
{
	if (done == allowed) {
		if (allowed)
			return;
		/* Not any fault: this one, at this address. */
		if (last_fault.signo == SIGSEGV && last_fault.addr == (unsigned long)addr &&
		    (last_fault.kind == kind || last_fault.kind == '?'))
			return;
	}
	check_failed(at, "'%c' at %p should %s; the last fault was signal %d, '%c' at %#lx", kind,
		     addr, allowed ? "work" : "fault", last_fault.signo, last_fault.kind,
		     last_fault.addr);
}

void check_access(const char *at, void *addr, const char *access)
{
	check_touch(at, try_read(addr), addr, 'r', access[0] == 'r');
	check_touch(at, try_write(addr), addr, 'w', access[1] == 'w');
	check_touch(at, try_exec(addr), addr, 'x', access[2] == 'x');
}

/* Nothing changed. */

#define SNAPSHOT_RUNS	64

struct snapshot {
	char *addr;
	size_t size;
	unsigned long charge;
	unsigned int nr;
	MEMORY_BASIC_INFORMATION runs[SNAPSHOT_RUNS];
	unsigned char bytes[];		/* of the pages that can be read without a fault */
};

/*
 * Through process_vm_readv, because a fault here must not look like the test's own; and
 * guard pages are left out, because any kind of reading would take the guard away.
 */
static void snapshot_bytes(const char *at, struct snapshot *shot,
			   const MEMORY_BASIC_INFORMATION *run)
{
	size_t offset = (char *)run->BaseAddress - shot->addr, size = run->RegionSize;
	struct iovec local, remote;

	if (run->State != MEM_COMMIT || run->Protect & (PAGE_GUARD | NA))
		return;
	if (size > shot->size - offset)
		size = shot->size - offset;
	local = (struct iovec){ shot->bytes + offset, size };
	remote = (struct iovec){ run->BaseAddress, size };
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)size)
		check_failed(at, "reading %#lx bytes at %p: %s", size, run->BaseAddress,
			     strerror(errno));
}

struct snapshot *snapshot_take(const char *at, void *addr, size_t size)
{
	struct snapshot *shot = calloc(1, sizeof(*shot) + size);
	char *next = addr;

	if (!shot)
		check_failed(at, "no memory for a snapshot");
	shot->addr = addr;
	shot->size = size;
	shot->charge = charge();
	while (next < shot->addr + size) {
		MEMORY_BASIC_INFORMATION *run = &shot->runs[shot->nr];

		if (shot->nr++ == SNAPSHOT_RUNS)
			check_failed(at, "more than %d runs", SNAPSHOT_RUNS);
		*run = query_at(at, next);
		snapshot_bytes(at, shot, run);
		next = (char *)run->BaseAddress + run->RegionSize;
	}
	return shot;
}

static bool runs_differ(const MEMORY_BASIC_INFORMATION *a, const MEMORY_BASIC_INFORMATION *b)
{
	return a->BaseAddress != b->BaseAddress || a->AllocationBase != b->AllocationBase ||
	       a->AllocationProtect != b->AllocationProtect || a->RegionSize != b->RegionSize ||
	       a->State != b->State || a->Protect != b->Protect || a->Type != b->Type;
}

void snapshot_check(const char *at, struct snapshot *before)
{
	struct snapshot *after = snapshot_take(at, before->addr, before->size);

	if (before->charge != after->charge)
		check_failed(at, "charge was %#lx and is %#lx", before->charge, after->charge);
	for (unsigned int i = 0; i < before->nr && i < after->nr; i++) {
		if (runs_differ(&before->runs[i], &after->runs[i]))
			check_failed(at, "changed at %p: size %#lx to %#lx, state %#x to %#x, "
				     "protection %#x to %#x", before->runs[i].BaseAddress,
				     before->runs[i].RegionSize, after->runs[i].RegionSize,
				     before->runs[i].State, after->runs[i].State,
				     before->runs[i].Protect, after->runs[i].Protect);
	}
	if (before->nr != after->nr)
		check_failed(at, "%u runs became %u", before->nr, after->nr);
	if (memcmp(before->bytes, after->bytes, before->size))
		check_failed(at, "contents changed");
	free(before);
	free(after);
}

/* Charge. A descriptor of our own: it stands for the space that the library uses. */

static struct winmem_limit limit_ioctl(unsigned int flags, unsigned long limit)
{
	struct winmem_limit args = { .size = sizeof(args), .flags = flags, .limit = limit };
	static int fd = -1;
	static pid_t owner;

	if (owner != getpid()) {
		close(fd);
		fd = open(DEVICE, O_RDWR | O_CLOEXEC);
		owner = getpid();
	}
	if (ioctl(fd, WINMEM_IOC_LIMIT, &args))
		check_failed(HERE, "WINMEM_IOC_LIMIT: %s", strerror(errno));
	return args;
}

unsigned long charge(void)
{
	return limit_ioctl(0, 0).out_charge;
}

void limit_set(unsigned long bytes)
{
	limit_ioctl(WINMEM_LIMIT_SET, bytes);
}

void limit_total(unsigned long *limit, unsigned long *charged)
{
	struct winmem_limit args = limit_ioctl(0, 0);

	*limit = args.out_total_limit;
	*charged = args.out_total_charge;
}

/* Mappings. */

static void *map_checked(size_t size, int flags, int prot, int fd)
{
	void *map = mmap(NULL, size, prot, flags, fd, 0);

	if (map == MAP_FAILED)
		check_failed(HERE, "mmap of %#lx bytes: %s", size, strerror(errno));
	return map;
}

void *map_shared(size_t size)
{
	return map_checked(size, MAP_SHARED | MAP_ANONYMOUS, PROT_READ | PROT_WRITE, -1);
}

/* A file with a name, which temporary files may lack: without one it is pagefile memory. */
void *map_file(size_t size, int flags, int prot)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *map = map_checked(size, flags, prot, fd);

	close(fd);
	return map;
}

unsigned long repeat(unsigned long usual, unsigned long most)
{
	return getenv("WINMEM_LONG") ? most : usual;
}
