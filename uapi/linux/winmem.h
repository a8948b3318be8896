/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/winmem: reserve and commit as Windows knows them, for one process.
 *
 * One open file stands for the address space of the process that opened it: its
 * "space". Opening the device again in the same process gives the same space. A
 * child made by fork has none of the parent's memory; it opens the device for a
 * space of its own. The memory lives until the last descriptor is closed and the
 * last mapping is gone; exit and exec end the mappings.
 *
 * A space holds reservations. A reservation begins at a multiple of 64 KiB and
 * each of its pages is reserved (no access, no memory) or committed (has memory,
 * zero at first, with a protection of its own). Nothing of this splits a mapping.
 *
 * Conventions
 *
 * Each ioctl takes a pointer to its struct. The struct begins with its own size in
 * bytes, as the caller knows it. The sizes of version 1 are the smallest accepted; a
 * longer struct is accepted when the part that the kernel does not know is zero.
 * Fields named __reserved must be zero. Fields that begin with out_ are written by
 * the kernel when the call succeeds, and what they held before is ignored; a call
 * that fails writes nothing. The struct must be writable where the call has outputs; they
 * are lost when the call itself takes that memory away (it releases it, say). Addresses and lengths are bytes. The kernel is strict:
 * what is said to be aligned must be aligned, and rounding the Win32 way is the
 * caller's work.
 *
 * A call that fails changes nothing that can be seen: no state, no protection, no
 * contents, no charge. (But a lock that fails at a guard page has taken the guard.)
 *
 * Errors, one meaning each
 *
 *   ENOTTY      no such ioctl
 *   E2BIG       the struct is longer than the kernel knows, and the rest is not zero;
 *               or longer than a page
 *   EOPNOTSUPP  a flag that the kernel does not know
 *   EINVAL      a bad value: too short a struct, a length of zero, a misaligned or
 *               impossible address, no such protection, a reserved field not zero
 *   EFAULT      the struct cannot be read or written; a page of the range cannot be
 *               touched (lock)
 *   ENOENT      the range is not inside one reservation
 *   EEXIST      the place asked for is taken, by a reservation or by a mapping
 *   ENXIO       a page of the range is not committed
 *   ERANGE      the range begins in a reservation and runs past its end (decommit)
 *   EBUSY       a mapping that is not winmem's lies there
 *   ETXTBSY     a file mapping that is not winmem's lies there (reset)
 *   ENOMEM      no address space of that size, or no kernel memory
 *   EDQUOT      the commit limit of the process or of the system would be passed
 *   ENOKEY      the caller may not lock memory without limit (reserve)
 *   ENOSPC      so many large pages cannot be had (reserve)
 *   EFBIG       a page of the range is part of a large page, with which this is not done
 *   ENODATA     contents were lost since the reset, or the offer (undo of either)
 *   ENOLCK      more would be locked than the caller's bound or RLIMIT_MEMLOCK allows
 *   EALREADY    a page of the range is not locked (unlock)
 *   EKEYREJECTED  a page of the range was guarded, and is no more (lock)
 *   EADDRNOTAVAIL  the range is not inside one reservation that is watched
 *   ENOEXEC     see "Execute"
 *   EBADF, EMFILE, ENFILE, ENODEV, ESRCH  see ATTACH
 *   EPERM       the caller is not the process that the file stands for
 *   EACCES      a security module forbids the mapping
 *   EINTR       the caller is being killed
 *
 * Who may call: the process whose space it is, any of its threads. A descriptor
 * that reaches another process (fork, SCM_RIGHTS, pidfd_getfd, exec) answers INFO
 * there, and EPERM to everything else. ATTACH gives those who may ptrace a process a
 * descriptor to act on it.
 *
 * Execute
 *
 * x86 and arm keep "no execute" per mapping here, so a page can be executed only
 * when its mapping has PROT_EXEC, and mprotect(2) on winmem's mappings is refused
 * unless it does what these calls asked for:
 *
 * RESERVE with COMMIT and an execute protection sets WINMEM_OUT_EXEC: call
 * mprotect(out_addr, length, PROT_READ | PROT_WRITE | PROT_EXEC). If that fails,
 * release the reservation. (Without an execute protection it is set where an earlier
 * reservation has left PROT_EXEC behind; then the call is without PROT_EXEC.)
 *
 * COMMIT and PROTECT that would give execute permission to a mapping, or take it
 * away, fail with ENOEXEC and change nothing. Call mprotect(addr, length, ..) with
 * PROT_READ | PROT_WRITE, and PROT_EXEC when the protection has execute, then
 * repeat the call. mprotect fails with EAGAIN when another thread has asked for the
 * opposite since: start again.
 *
 * DECOMMIT and RELEASE set WINMEM_OUT_EXEC when mprotect(PROT_READ | PROT_WRITE) on
 * the range would let mappings merge again. That is a courtesy; nothing needs it.
 */
#ifndef _UAPI_LINUX_WINMEM_H
#define _UAPI_LINUX_WINMEM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define WINMEM_IOC_TYPE		0xBB

/*
 * Versions of this interface. A kernel serves every version from out_version_min to
 * out_version. A program that was written for version N works when N is in that
 * range; structs grow and features come without a new version.
 */
#define WINMEM_VERSION		1

/*
 * Protections: exactly one of the first six, with GUARD, NOCACHE or WRITECOMBINE
 * added where semantics allow it: GUARD, NOCACHE and WRITECOMBINE exclude each other,
 * and none goes with NOACCESS. The numbers are those of Win32's PAGE_*.
 */
#define WINMEM_PROT_NOACCESS		0x01
#define WINMEM_PROT_READONLY		0x02
#define WINMEM_PROT_READWRITE		0x04
#define WINMEM_PROT_WRITECOPY		0x08	/* reported by QUERY, never accepted */
#define WINMEM_PROT_EXECUTE		0x10
#define WINMEM_PROT_EXECUTE_READ	0x20
#define WINMEM_PROT_EXECUTE_READWRITE	0x40
#define WINMEM_PROT_EXECUTE_WRITECOPY	0x80	/* reported by QUERY, never accepted */
#define WINMEM_PROT_GUARD		0x100
#define WINMEM_PROT_NOCACHE		0x200
#define WINMEM_PROT_WRITECOMBINE	0x400

/* In out_flags: execute permission of the mapping has to follow, see "Execute". */
#define WINMEM_OUT_EXEC			0x1
/* In out_flags of QUERY: the answer holds as long as the count does, see struct winmem_changes. */
#define WINMEM_OUT_COUNTED		0x2

/**
 * struct winmem_info - ioctl(WINMEM_IOC_INFO)
 * @size: sizeof(struct winmem_info)
 * @flags: 0
 * @out_version_min: oldest version of this interface that the kernel serves
 * @out_version: newest version of this interface that the kernel serves
 * @out_features: WINMEM_FEATURE_*
 * @out_page_size: bytes in a page
 * @out_granularity: reservations begin at multiples of this, 65536
 * @out_lowest: lowest address a reservation can have
 * @out_highest: last byte a reservation can have
 *
 * What this kernel can do. Any process may ask, whoever opened the file.
 */
struct winmem_info {
	__u32 size;
	__u32 flags;
	__u32 out_version_min;
	__u32 out_version;
	__aligned_u64 out_features;
	__u32 out_page_size;
	__u32 out_granularity;
	__aligned_u64 out_lowest;
	__aligned_u64 out_highest;
};
#define WINMEM_IOC_INFO		_IO(WINMEM_IOC_TYPE, 0x00)

/* Features of version 1 that a kernel may lack or grow: none yet. */

/**
 * struct winmem_reserve - ioctl(WINMEM_IOC_RESERVE)
 * @size: sizeof(struct winmem_reserve)
 * @flags: WINMEM_RESERVE_*
 * @prot: WINMEM_PROT_*: of the reservation, and of its pages with COMMIT
 * @__reserved: 0
 * @addr: first byte, a multiple of 65536, with LARGE of 2 MiB; 0: the kernel chooses
 * @length: bytes, a non-zero multiple of the page size, with LARGE of 2 MiB
 * @lowest: lowest address the kernel may choose, a multiple of 65536; 0: no bound
 * @highest: last byte the kernel may choose, page multiple - 1; 0: no bound
 * @alignment: of the address chosen, a power of two of at least 65536; 0: 65536
 * @out_addr: first byte of the reservation
 * @out_flags: WINMEM_OUT_EXEC
 * @__reserved2: 0
 *
 * Make a reservation, and with COMMIT commit all of it. The kernel chooses a low
 * address, with TOP_DOWN a high one. @lowest, @highest and @alignment go with
 * @addr 0 only. EINVAL also for a range outside out_lowest..out_highest of INFO;
 * EEXIST: @addr.. is taken; ENOMEM: no hole of that size; EDQUOT with COMMIT.
 *
 * With LARGE, which goes with COMMIT and neither with WATCH nor with a guard, all of the memory
 * is there when the call returns, in huge pages of 2 MiB, and stays to the end of the
 * reservation: it is never swapped and never moves. It counts as VmPin of /proc/PID/status.
 * Its pages are alike to the end as well. COMMIT, DECOMMIT, RESET, OFFER and LOCK, and PROTECT
 * with another protection than @prot, fail there with EFBIG; RELEASE gives the memory back.
 * The caller needs CAP_IPC_LOCK, also when the reservation is another process's; without it:
 * ENOKEY. ENOSPC: there is no such amount of memory, or it is not to be had in pieces of that
 * size, or this kernel makes no huge pages.
 */
struct winmem_reserve {
	__u32 size;
	__u32 flags;
	__u32 prot;
	__u32 __reserved;
	__aligned_u64 addr;
	__aligned_u64 length;
	__aligned_u64 lowest;
	__aligned_u64 highest;
	__aligned_u64 alignment;
	__aligned_u64 out_addr;
	__u32 out_flags;
	__u32 __reserved2;
};
#define WINMEM_RESERVE_COMMIT		0x1
#define WINMEM_RESERVE_TOP_DOWN		0x2
#define WINMEM_RESERVE_WATCH		0x4	/* note which pages are written: WATCH tells */
#define WINMEM_RESERVE_LARGE		0x8	/* large pages */
#define WINMEM_IOC_RESERVE	_IO(WINMEM_IOC_TYPE, 0x01)

/**
 * struct winmem_commit - ioctl(WINMEM_IOC_COMMIT)
 * @size: sizeof(struct winmem_commit)
 * @flags: 0
 * @prot: WINMEM_PROT_*
 * @__reserved: 0
 * @addr: first byte, page aligned
 * @length: bytes, a non-zero multiple of the page size
 *
 * Commit every page of the range, or none. Pages that were committed keep their
 * contents and take @prot. ENOENT: the range is not inside one reservation. EDQUOT:
 * the commit limit would be passed. ENOEXEC: see "Execute". EFBIG: it has large pages.
 */
struct winmem_commit {
	__u32 size;
	__u32 flags;
	__u32 prot;
	__u32 __reserved;
	__aligned_u64 addr;
	__aligned_u64 length;
};
#define WINMEM_IOC_COMMIT	_IO(WINMEM_IOC_TYPE, 0x02)

/**
 * struct winmem_decommit - ioctl(WINMEM_IOC_DECOMMIT)
 * @size: sizeof(struct winmem_decommit)
 * @flags: WINMEM_DECOMMIT_WHOLE: all of the reservation that begins at @addr
 * @addr: first byte, page aligned
 * @length: bytes, a non-zero multiple of the page size; 0 with WHOLE
 * @out_length: bytes that are now reserved and not committed
 * @out_flags: WINMEM_OUT_EXEC
 * @__reserved: 0
 *
 * Give back the memory of every page of the range and its charge; the reservation
 * stays. Pages that were not committed may be among them. ENOENT: no reservation at
 * @addr, or with WHOLE none that begins there. ERANGE: the range runs past the
 * reservation. EBUSY: a mapping that is not winmem's lies at @addr. EFBIG: it has large pages.
 */
struct winmem_decommit {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 length;
	__aligned_u64 out_length;
	__u32 out_flags;
	__u32 __reserved;
};
#define WINMEM_DECOMMIT_WHOLE		0x1
#define WINMEM_IOC_DECOMMIT	_IO(WINMEM_IOC_TYPE, 0x03)

/**
 * struct winmem_release - ioctl(WINMEM_IOC_RELEASE)
 * @size: sizeof(struct winmem_release)
 * @flags: 0
 * @addr: first byte of a reservation
 * @out_length: bytes that the reservation had
 * @out_flags: WINMEM_OUT_EXEC
 * @__reserved: 0
 *
 * Decommit a reservation and end it. ENOENT: none begins at @addr. EBUSY: a mapping
 * that is not winmem's lies at @addr.
 */
struct winmem_release {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 out_length;
	__u32 out_flags;
	__u32 __reserved;
};
#define WINMEM_IOC_RELEASE	_IO(WINMEM_IOC_TYPE, 0x04)

/**
 * struct winmem_protect - ioctl(WINMEM_IOC_PROTECT)
 * @size: sizeof(struct winmem_protect)
 * @flags: 0
 * @prot: WINMEM_PROT_*
 * @out_prot: protection that the first page had
 * @addr: first byte, page aligned
 * @length: bytes, a non-zero multiple of the page size
 *
 * Change the protection of committed pages. When the call returns, no store that the
 * new protection forbids can land any more, from whatever thread. NOCACHE and
 * WRITECOMBINE belong to the reservation: asking for them here changes nothing.
 * ENOENT: the range is not inside one reservation. ENXIO: a page of it is not
 * committed. EBUSY: a mapping that is not winmem's lies at @addr; mprotect(2) is the
 * call for those. ENOEXEC: see "Execute". EFBIG: it has large pages, and another protection.
 */
struct winmem_protect {
	__u32 size;
	__u32 flags;
	__u32 prot;
	__u32 out_prot;
	__aligned_u64 addr;
	__aligned_u64 length;
};
#define WINMEM_IOC_PROTECT	_IO(WINMEM_IOC_TYPE, 0x05)

/**
 * struct winmem_reset - ioctl(WINMEM_IOC_RESET)
 * @size: sizeof(struct winmem_reset)
 * @flags: WINMEM_RESET_UNDO
 * @addr: first byte, page aligned
 * @length: bytes, a non-zero multiple of the page size
 *
 * Say that the contents of the range do not matter any more: the kernel drops the
 * pages under memory pressure instead of swapping them out, and a page that was
 * dropped reads zero. A page that is written again matters again. With UNDO: the
 * contents matter again; ENODATA when a page has lost them since: it reads zero, and
 * the others are kept. Pages that are not committed are passed over. ENOENT: the range is not
 * inside one reservation. EFBIG: it has large pages. On mappings that are not winmem's: 0 for shared anonymous
 * memory, ETXTBSY for a file's, ENOENT for others, and nothing is done to them.
 */
struct winmem_reset {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 length;
};
#define WINMEM_RESET_UNDO		0x1
#define WINMEM_IOC_RESET	_IO(WINMEM_IOC_TYPE, 0x06)

/**
 * struct winmem_query - ioctl(WINMEM_IOC_QUERY)
 * @size: sizeof(struct winmem_query)
 * @flags: 0
 * @addr: any address up to out_highest of INFO, or of a mapping
 * @out_base: @addr rounded down to its page
 * @out_alloc_base: first byte of the reservation or mapping; 0 when free
 * @out_length: bytes from @out_base on that are alike: one reservation or mapping,
 *	one state, one protection
 * @out_alloc_prot: protection the reservation was made with; 0 when free
 * @out_state: WINMEM_STATE_*
 * @out_prot: protection of the pages; 0 when reserved, NOACCESS when free
 * @out_type: WINMEM_TYPE_*; 0 when free
 * @out_flags: WINMEM_OUT_COUNTED when @addr is in a reservation
 * @__reserved: 0
 *
 * The last two came later: a struct without them is accepted.
 *
 * What lies at @addr. Mappings that are not winmem's are answered from the kernel's
 * own: a file mapped as a program or library is IMAGE, other file and shared
 * mappings MAPPED, the rest PRIVATE, all of them committed; @out_alloc_prot is the
 * protection of the mapping now, for IMAGE EXECUTE_WRITECOPY. A private file page that
 * can be written is WRITECOPY, then READWRITE when it has been written. EINVAL: @addr is above the range.
 */
struct winmem_query {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 out_base;
	__aligned_u64 out_alloc_base;
	__aligned_u64 out_length;
	__u32 out_alloc_prot;
	__u32 out_state;
	__u32 out_prot;
	__u32 out_type;
	__u32 out_flags;
	__u32 __reserved;
};
/* The numbers are those of Win32's MEM_*. */
#define WINMEM_STATE_COMMIT		0x1000
#define WINMEM_STATE_RESERVE		0x2000
#define WINMEM_STATE_FREE		0x10000
#define WINMEM_TYPE_PRIVATE		0x20000
#define WINMEM_TYPE_MAPPED		0x40000
#define WINMEM_TYPE_IMAGE		0x1000000
#define WINMEM_IOC_QUERY	_IO(WINMEM_IOC_TYPE, 0x07)

/**
 * struct winmem_changes - mmap(NULL, out_page_size of INFO, PROT_READ, MAP_SHARED, fd, 0)
 * @count: goes up, by one or more, before what QUERY says of any reservation changes: by a
 *	call, from whichever thread or process it comes, or by a guard page that is hit. Never 0,
 *	but in a process whose space it is not: there it is always 0
 *
 * All that can be mapped of the device. Read @count, then call QUERY: an answer with
 * WINMEM_OUT_COUNTED holds, for each page of its run, as long as @count is what it was. Whoever has
 * seen anything of a change sees the new count, if @count is read with acquire semantics.
 *
 * The mapping is a user of the space as a descriptor is. A child made by fork inherits it, and
 * reads 0. mmap fails with EPERM when the space is not the caller's, with EACCES when the mapping is
 * to be written or executed, and with EINVAL for anything but one shared page at offset 0.
 */
struct winmem_changes {
	__aligned_u64 count;
};

/**
 * struct winmem_limit - ioctl(WINMEM_IOC_LIMIT)
 * @size: sizeof(struct winmem_limit)
 * @flags: WINMEM_LIMIT_SET: make @limit the limit of this process
 * @limit: bytes, rounded down to pages; ~0: no limit of its own; 0 without SET
 * @out_limit: limit of this process in bytes; ~0: none of its own
 * @out_charge: bytes this process has committed
 * @out_total_limit: limit of all processes together in bytes
 * @out_total_charge: bytes all processes have committed
 *
 * Commit charge and its limits. A limit below the present charge is accepted: it
 * refuses further commits. The process_commit_limit parameter of the module cannot
 * be raised this way: the lower of the two counts, and @out_limit tells it.
 */
struct winmem_limit {
	__u32 size;
	__u32 flags;
	__aligned_u64 limit;
	__aligned_u64 out_limit;
	__aligned_u64 out_charge;
	__aligned_u64 out_total_limit;
	__aligned_u64 out_total_charge;
};
#define WINMEM_LIMIT_SET		0x1
#define WINMEM_IOC_LIMIT	_IO(WINMEM_IOC_TYPE, 0x08)

/**
 * struct winmem_guard - ioctl(WINMEM_IOC_GUARD)
 * @size: sizeof(struct winmem_guard)
 * @flags: 0
 * @addr: any address in the page, the one of the signal say
 * @out_hit: 1: the calling thread's last fault that was refused took a guard away, in
 *	this page; 0: it did not
 * @__reserved: 0
 *
 * Whether a SIGSEGV was a guard page's: to be asked by the thread that got it, from its
 * signal handler. The answer is given once. A guard that a system call hits has no
 * signal and is not told of.
 */
struct winmem_guard {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__u32 out_hit;
	__u32 __reserved;
};
#define WINMEM_IOC_GUARD	_IO(WINMEM_IOC_TYPE, 0x09)

/**
 * struct winmem_watch - ioctl(WINMEM_IOC_WATCH)
 * @size: sizeof(struct winmem_watch)
 * @flags: WINMEM_WATCH_RESET
 * @addr: first byte, page aligned
 * @length: bytes, a non-zero multiple of the page size
 * @addrs: user pointer to @count __u64
 * @count: how many addresses there is room for; 0 with RESET: reset all, tell none
 * @out_count: how many addresses were stored
 *
 * The pages of a reservation made with WATCH that were written since it was made, or
 * since they were last reset: the addresses of the first @count of them, in order, go to
 * @addrs. With RESET these pages, and no others, count as not written again. A write
 * that comes while the call runs is told of by this call or by the next, or by both. Pages whose
 * memory was given back are told of only when PROTECT had seen them written. EINVAL: @count is 0
 * without RESET. EADDRNOTAVAIL: the range is not inside one reservation that is watched.
 * EFAULT also when @addrs cannot be written; no page is reset then.
 */
struct winmem_watch {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 length;
	__aligned_u64 addrs;
	__aligned_u64 count;
	__aligned_u64 out_count;
};
#define WINMEM_WATCH_RESET		0x1
#define WINMEM_IOC_WATCH	_IO(WINMEM_IOC_TYPE, 0x0A)

/**
 * struct winmem_lock - ioctl(WINMEM_IOC_LOCK)
 * @size: sizeof(struct winmem_lock)
 * @flags: WINMEM_LOCK_UNDO, WINMEM_LOCK_LOOK or WINMEM_LOCK_LARGE
 * @addr: first byte, page aligned
 * @length: bytes, a non-zero multiple of the page size
 * @limit: how many bytes of winmem's the process may have locked afterwards; 0: no bound
 *	but RLIMIT_MEMLOCK; 0 with a flag
 * @out_locked: bytes of the range that are locked now; with LARGE those in large pages
 *
 * Keep the pages of a range in memory, all of them or none: they are brought there, and
 * neither go to swap nor move. A page is locked once or not at all. A range may reach over
 * several reservations. The lock ends with UNDO, and when the page is decommitted, released
 * or offered; reset leaves it. What is locked counts as VmLck of /proc/PID/status, and a
 * page that is watched and may be written counts as written. ENOENT: no reservation at
 * @addr. EBUSY: a mapping that is not winmem's lies there; mlock(2) is the call for those.
 * ENXIO: a page is not committed. EFAULT also when one is NOACCESS, offered, or was
 * unmapped. EFBIG: one is in a large page, which needs no lock. EKEYREJECTED: one has a guard, the first such page that is reached; that guard
 * is gone.
 *
 * With UNDO: unlock them. EALREADY: one is not locked; all stay as they were, but pages
 * that are not locked leave the page tables.
 *
 * With LOOK: nothing is done. Whatever lies in the range, mappings that are not winmem's too.
 * With LARGE likewise.
 */
struct winmem_lock {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 length;
	__aligned_u64 limit;
	__aligned_u64 out_locked;
};
#define WINMEM_LOCK_UNDO		0x1
#define WINMEM_LOCK_LOOK		0x2
#define WINMEM_LOCK_LARGE		0x4
#define WINMEM_IOC_LOCK		_IO(WINMEM_IOC_TYPE, 0x0B)

/**
 * struct winmem_offer - ioctl(WINMEM_IOC_OFFER)
 * @size: sizeof(struct winmem_offer)
 * @flags: WINMEM_OFFER_UNDO
 * @addr: first byte, page aligned
 * @length: bytes, a non-zero multiple of the page size
 *
 * Give up committed pages for a while: the kernel drops them under memory pressure instead
 * of swapping them out, and nobody can touch them, as if they were NOACCESS. They stay
 * committed, keep their protection, which can be changed, and are no longer locked. Whether
 * a page is offered shows in no answer of QUERY. Pages that are offered already may be
 * among them.
 *
 * With UNDO: take them back. ENODATA: contents of some page are lost, it reads zero, and
 * the others are kept; all can be touched again. Pages that are not offered are passed over.
 * A reset does nothing to offered pages, nor does RESET with UNDO.
 *
 * ENOENT: the range is not inside one reservation. ENXIO: a page is not committed. EBUSY: a
 * mapping that is not winmem's lies at @addr. EFBIG: it has large pages.
 */
struct winmem_offer {
	__u32 size;
	__u32 flags;
	__aligned_u64 addr;
	__aligned_u64 length;
};
#define WINMEM_OFFER_UNDO		0x1
#define WINMEM_IOC_OFFER	_IO(WINMEM_IOC_TYPE, 0x0C)

/**
 * struct winmem_attach - ioctl(WINMEM_IOC_ATTACH)
 * @size: sizeof(struct winmem_attach)
 * @flags: 0
 * @mem_fd: descriptor of /proc/PID/mem of another process, opened for writing
 * @out_fd: descriptor by which the caller, and nobody else, acts on that process; close it
 *	when done. It is closed on exec
 *
 * INFO, RESERVE, COMMIT, DECOMMIT, RELEASE, PROTECT, RESET and QUERY on @out_fd do in the
 * other process what they do here, at its addresses; the other ioctls fail with EPERM. Who
 * may open its mem for writing, and so do this, is the kernel's to say: see ptrace(2).
 * COMMIT, PROTECT and RESERVE see to execute permission themselves. The call fails with
 * EBADF: @mem_fd is not open, or not for writing; EINVAL: it is another file; ENODEV: that
 * process has not opened /dev/winmem, or has ended; EMFILE, ENFILE. And calls on @out_fd:
 * EPERM: the caller is not the process that it was made for; ESRCH: the other process has
 * ended or runs another program; ENODEV: it has left winmem.
 */
struct winmem_attach {
	__u32 size;
	__u32 flags;
	__s32 mem_fd;
	__s32 out_fd;
};
#define WINMEM_IOC_ATTACH	_IO(WINMEM_IOC_TYPE, 0x0D)

#endif /* _UAPI_LINUX_WINMEM_H */
