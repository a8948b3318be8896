/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM winmem

#if !defined(WINMEM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define WINMEM_TRACE_H

#include <linux/tracepoint.h>

/* Addresses and lengths are bytes, ret is 0 or -errno. The events come after the call. */

TRACE_EVENT(winmem_reserve,
	TP_PROTO(unsigned long addr, unsigned long length, u32 prot, u32 flags, int ret),
	TP_ARGS(addr, length, prot, flags, ret),
	TP_STRUCT__entry(
		__field(unsigned long, addr)
		__field(unsigned long, length)
		__field(u32, prot)
		__field(u32, flags)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->addr = addr;
		__entry->length = length;
		__entry->prot = prot;
		__entry->flags = flags;
		__entry->ret = ret;
	),
	TP_printk("addr=0x%lx length=0x%lx prot=0x%x flags=0x%x ret=%d", __entry->addr,
		  __entry->length, __entry->prot, __entry->flags, __entry->ret)
);

DECLARE_EVENT_CLASS(winmem_range,
	TP_PROTO(unsigned long addr, unsigned long length, u32 prot, int ret),
	TP_ARGS(addr, length, prot, ret),
	TP_STRUCT__entry(
		__field(unsigned long, addr)
		__field(unsigned long, length)
		__field(u32, prot)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->addr = addr;
		__entry->length = length;
		__entry->prot = prot;
		__entry->ret = ret;
	),
	TP_printk("addr=0x%lx length=0x%lx prot=0x%x ret=%d", __entry->addr, __entry->length,
		  __entry->prot, __entry->ret)
);

DEFINE_EVENT(winmem_range, winmem_commit,
	TP_PROTO(unsigned long addr, unsigned long length, u32 prot, int ret),
	TP_ARGS(addr, length, prot, ret));

DEFINE_EVENT(winmem_range, winmem_protect,
	TP_PROTO(unsigned long addr, unsigned long length, u32 prot, int ret),
	TP_ARGS(addr, length, prot, ret));

DEFINE_EVENT(winmem_range, winmem_decommit,
	TP_PROTO(unsigned long addr, unsigned long length, u32 prot, int ret),
	TP_ARGS(addr, length, prot, ret));

DEFINE_EVENT(winmem_range, winmem_release,
	TP_PROTO(unsigned long addr, unsigned long length, u32 prot, int ret),
	TP_ARGS(addr, length, prot, ret));

TRACE_EVENT(winmem_fault,
	TP_PROTO(unsigned long addr, unsigned int access, u8 state, unsigned int ret),
	TP_ARGS(addr, access, state, ret),
	TP_STRUCT__entry(
		__field(unsigned long, addr)
		__field(unsigned int, access)
		__field(unsigned int, ret)
		__field(u8, state)
	),
	TP_fast_assign(
		__entry->addr = addr;
		__entry->access = access;
		__entry->ret = ret;
		__entry->state = state;
	),
	TP_printk("addr=0x%lx access=0x%x state=0x%x ret=0x%x", __entry->addr, __entry->access,
		  __entry->state, __entry->ret)
);

#endif /* WINMEM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
