/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libwinmem: the Win32 memory functions, over /dev/winmem.
 *
 * Names, types, numbers and layouts are those of the Windows SDK for 64-bit programs,
 * so that a call reads the same on both systems. libwinmem(7) tells what differs.
 *
 * DWORD and ULONG are 32 bits, as on Windows, though long has 64 here.
 */
#ifndef WINMEM_H
#define WINMEM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WINMEM_API		__attribute__((visibility("default")))

/* The calling convention that Win32 prototypes name: here there is only one. */
#ifndef WINAPI
#define WINAPI
#endif

typedef int BOOL;
typedef unsigned char BYTE;
typedef unsigned short WORD;
typedef unsigned int DWORD;
typedef unsigned int UINT;
typedef unsigned int ULONG;
typedef int LONG;
typedef long long LONGLONG;
typedef unsigned long long DWORD64;
typedef unsigned long long DWORDLONG;
typedef unsigned long long ULONGLONG;
typedef uintptr_t ULONG_PTR;
typedef uintptr_t DWORD_PTR;
typedef uintptr_t UINT_PTR;
typedef intptr_t LONG_PTR;
typedef size_t SIZE_T;
typedef intptr_t INT_PTR;
typedef const char *LPCSTR;
typedef void *PVOID;
typedef void *LPVOID;
typedef const void *LPCVOID;
typedef void *HANDLE;
typedef BOOL *PBOOL;
typedef DWORD *PDWORD;
typedef DWORD *LPDWORD;
typedef ULONG *PULONG;
typedef ULONGLONG *PULONGLONG;
typedef ULONG_PTR *PULONG_PTR;
typedef SIZE_T *PSIZE_T;
typedef unsigned int UINT;
typedef HANDLE *PHANDLE;
typedef HANDLE HGLOBAL;
typedef HANDLE HLOCAL;

/* A function of any kind: cast. */
typedef INT_PTR (WINAPI *FARPROC)(void);

#ifndef FALSE
#define FALSE			0
#endif
#ifndef TRUE
#define TRUE			1
#endif

#define INVALID_HANDLE_VALUE	((HANDLE)(LONG_PTR)-1)

/* Allocation types, states and types of memory. Some numbers serve twice. */
#define MEM_COMMIT			0x00001000
#define MEM_RESERVE			0x00002000
#define MEM_DECOMMIT			0x00004000
#define MEM_REPLACE_PLACEHOLDER		0x00004000
#define MEM_RELEASE			0x00008000
#define MEM_FREE			0x00010000
#define MEM_PRIVATE			0x00020000
#define MEM_MAPPED			0x00040000
#define MEM_RESERVE_PLACEHOLDER		0x00040000
#define MEM_RESET			0x00080000
#define MEM_TOP_DOWN			0x00100000
#define MEM_WRITE_WATCH			0x00200000
#define MEM_PHYSICAL			0x00400000
#define MEM_RESET_UNDO			0x01000000
#define MEM_IMAGE			0x01000000
#define MEM_LARGE_PAGES			0x20000000
#define MEM_COALESCE_PLACEHOLDERS	0x00000001
#define MEM_PRESERVE_PLACEHOLDER	0x00000002

/* For GetWriteWatch(). */
#define WRITE_WATCH_FLAG_RESET		0x01

/* Protections: one of the first eight, and what goes with it. */
#define PAGE_NOACCESS			0x01
#define PAGE_READONLY			0x02
#define PAGE_READWRITE			0x04
#define PAGE_WRITECOPY			0x08
#define PAGE_EXECUTE			0x10
#define PAGE_EXECUTE_READ		0x20
#define PAGE_EXECUTE_READWRITE		0x40
#define PAGE_EXECUTE_WRITECOPY		0x80
#define PAGE_GUARD			0x100
#define PAGE_NOCACHE			0x200
#define PAGE_WRITECOMBINE		0x400
#define PAGE_TARGETS_INVALID		0x40000000
#define PAGE_TARGETS_NO_UPDATE		0x40000000

/* Rights of a handle to a process. */
#define PROCESS_TERMINATE		0x0001
#define PROCESS_CREATE_THREAD		0x0002
#define PROCESS_SET_SESSIONID		0x0004
#define PROCESS_VM_OPERATION		0x0008
#define PROCESS_VM_READ			0x0010
#define PROCESS_VM_WRITE		0x0020
#define PROCESS_DUP_HANDLE		0x0040
#define PROCESS_CREATE_PROCESS		0x0080
#define PROCESS_SET_QUOTA		0x0100
#define PROCESS_SET_INFORMATION		0x0200
#define PROCESS_QUERY_INFORMATION	0x0400
#define PROCESS_SUSPEND_RESUME		0x0800
#define PROCESS_QUERY_LIMITED_INFORMATION 0x1000
#define PROCESS_SET_LIMITED_INFORMATION	0x2000
#define PROCESS_ALL_ACCESS		0x1fffff
#define READ_CONTROL			0x00020000
#define SYNCHRONIZE			0x00100000
#define MAXIMUM_ALLOWED			0x02000000
#define GENERIC_ALL			0x10000000
#define GENERIC_EXECUTE			0x20000000
#define GENERIC_WRITE			0x40000000
#define GENERIC_READ			0x80000000

/* What GetLastError() answers after a call that failed. */
#define ERROR_SUCCESS			0
#define NO_ERROR			0
#define ERROR_TOO_MANY_OPEN_FILES	4
#define ERROR_ACCESS_DENIED		5
#define ERROR_INVALID_HANDLE		6
#define ERROR_NOT_ENOUGH_MEMORY		8
#define ERROR_BAD_LENGTH		24
#define ERROR_GEN_FAILURE		31
#define ERROR_NOT_SUPPORTED		50
#define ERROR_INVALID_PARAMETER		87
#define ERROR_INSUFFICIENT_BUFFER	122
#define ERROR_DISCARDED			157
#define ERROR_NOT_LOCKED		158
#define ERROR_BUSY			170
#define ERROR_NO_MORE_ITEMS		259
#define ERROR_NOT_OWNER			288
#define ERROR_PARTIAL_COPY		299
#define ERROR_INVALID_ADDRESS		487
#define ERROR_OPERATION_ABORTED		995
#define ERROR_NOACCESS			998
#define ERROR_USER_MAPPED_FILE		1224
#define ERROR_PRIVILEGE_NOT_HELD	1314
#define ERROR_NO_SYSTEM_RESOURCES	1450
#define ERROR_WORKING_SET_QUOTA		1453
#define ERROR_COMMITMENT_LIMIT		1455

/* For SetProcessWorkingSetSizeEx(). */
#define QUOTA_LIMITS_HARDWS_MIN_ENABLE	0x00000001
#define QUOTA_LIMITS_HARDWS_MIN_DISABLE	0x00000002
#define QUOTA_LIMITS_HARDWS_MAX_ENABLE	0x00000004
#define QUOTA_LIMITS_HARDWS_MAX_DISABLE	0x00000008

/* What an exception is; programs add their own. */
#define STATUS_GUARD_PAGE_VIOLATION	0x80000001U
#define STATUS_DATATYPE_MISALIGNMENT	0x80000002U
#define STATUS_BREAKPOINT		0x80000003U
#define STATUS_SINGLE_STEP		0x80000004U
#define STATUS_ACCESS_VIOLATION		0xC0000005U
#define STATUS_IN_PAGE_ERROR		0xC0000006U
#define STATUS_INVALID_HANDLE		0xC0000008U
#define STATUS_INVALID_PARAMETER	0xC000000DU
#define STATUS_END_OF_FILE		0xC0000011U
#define STATUS_NO_MEMORY		0xC0000017U
#define STATUS_ILLEGAL_INSTRUCTION	0xC000001DU
#define STATUS_NONCONTINUABLE_EXCEPTION	0xC0000025U
#define STATUS_INVALID_DISPOSITION	0xC0000026U
#define STATUS_ARRAY_BOUNDS_EXCEEDED	0xC000008CU
#define STATUS_FLOAT_DIVIDE_BY_ZERO	0xC000008EU
#define STATUS_INTEGER_DIVIDE_BY_ZERO	0xC0000094U
#define STATUS_INTEGER_OVERFLOW		0xC0000095U
#define STATUS_PRIVILEGED_INSTRUCTION	0xC0000096U
#define STATUS_DEVICE_DATA_ERROR	0xC000009CU
#define STATUS_STACK_OVERFLOW		0xC00000FDU
#define STATUS_HEAP_CORRUPTION		0xC0000374U

#define EXCEPTION_GUARD_PAGE			STATUS_GUARD_PAGE_VIOLATION
#define EXCEPTION_DATATYPE_MISALIGNMENT		STATUS_DATATYPE_MISALIGNMENT
#define EXCEPTION_BREAKPOINT			STATUS_BREAKPOINT
#define EXCEPTION_SINGLE_STEP			STATUS_SINGLE_STEP
#define EXCEPTION_ACCESS_VIOLATION		STATUS_ACCESS_VIOLATION
#define EXCEPTION_IN_PAGE_ERROR			STATUS_IN_PAGE_ERROR
#define EXCEPTION_INVALID_HANDLE		STATUS_INVALID_HANDLE
#define EXCEPTION_ILLEGAL_INSTRUCTION		STATUS_ILLEGAL_INSTRUCTION
#define EXCEPTION_NONCONTINUABLE_EXCEPTION	STATUS_NONCONTINUABLE_EXCEPTION
#define EXCEPTION_INVALID_DISPOSITION		STATUS_INVALID_DISPOSITION
#define EXCEPTION_ARRAY_BOUNDS_EXCEEDED		STATUS_ARRAY_BOUNDS_EXCEEDED
#define EXCEPTION_FLT_DIVIDE_BY_ZERO		STATUS_FLOAT_DIVIDE_BY_ZERO
#define EXCEPTION_INT_DIVIDE_BY_ZERO		STATUS_INTEGER_DIVIDE_BY_ZERO
#define EXCEPTION_INT_OVERFLOW			STATUS_INTEGER_OVERFLOW
#define EXCEPTION_PRIV_INSTRUCTION		STATUS_PRIVILEGED_INSTRUCTION
#define EXCEPTION_STACK_OVERFLOW		STATUS_STACK_OVERFLOW

/* What handlers and filters answer. */
#define EXCEPTION_CONTINUE_EXECUTION	(-1)
#define EXCEPTION_CONTINUE_SEARCH	0
#define EXCEPTION_EXECUTE_HANDLER	1

/* EXCEPTION_RECORD's ExceptionFlags, and the room for its parameters. */
#define EXCEPTION_NONCONTINUABLE	0x1
#define EXCEPTION_MAXIMUM_PARAMETERS	15

/* The first parameter of a violation: what was tried. */
#define EXCEPTION_READ_FAULT		0
#define EXCEPTION_WRITE_FAULT		1
#define EXCEPTION_EXECUTE_FAULT		8

/* Which parts of a CONTEXT mean something. */
#define CONTEXT_AMD64			0x00100000
#define CONTEXT_CONTROL			(CONTEXT_AMD64 | 0x01)
#define CONTEXT_INTEGER			(CONTEXT_AMD64 | 0x02)
#define CONTEXT_SEGMENTS		(CONTEXT_AMD64 | 0x04)
#define CONTEXT_FLOATING_POINT		(CONTEXT_AMD64 | 0x08)
#define CONTEXT_DEBUG_REGISTERS		(CONTEXT_AMD64 | 0x10)
#define CONTEXT_FULL			(CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_FLOATING_POINT)

/* Of HeapCreate(), and of the calls on a heap. */
#define HEAP_NO_SERIALIZE		0x00000001
#define HEAP_GROWABLE			0x00000002
#define HEAP_GENERATE_EXCEPTIONS	0x00000004
#define HEAP_ZERO_MEMORY		0x00000008
#define HEAP_REALLOC_IN_PLACE_ONLY	0x00000010
#define HEAP_TAIL_CHECKING_ENABLED	0x00000020
#define HEAP_FREE_CHECKING_ENABLED	0x00000040
#define HEAP_DISABLE_COALESCE_ON_FREE	0x00000080
#define HEAP_CREATE_ALIGN_16		0x00010000
#define HEAP_CREATE_ENABLE_TRACING	0x00020000
#define HEAP_CREATE_ENABLE_EXECUTE	0x00040000

/* wFlags of a PROCESS_HEAP_ENTRY. */
#define PROCESS_HEAP_REGION		0x0001
#define PROCESS_HEAP_UNCOMMITTED_RANGE	0x0002
#define PROCESS_HEAP_ENTRY_BUSY		0x0004
#define PROCESS_HEAP_SEG_ALLOC		0x0008
#define PROCESS_HEAP_ENTRY_MOVEABLE	0x0010
#define PROCESS_HEAP_ENTRY_DDESHARE	0x0020

/* Of GlobalAlloc() and GlobalReAlloc(), and in what GlobalFlags() answers. */
#define GMEM_FIXED			0x0000
#define GMEM_MOVEABLE			0x0002
#define GMEM_NOCOMPACT			0x0010
#define GMEM_NODISCARD			0x0020
#define GMEM_ZEROINIT			0x0040
#define GMEM_MODIFY			0x0080
#define GMEM_DISCARDABLE		0x0100
#define GMEM_NOT_BANKED			0x1000
#define GMEM_LOWER			GMEM_NOT_BANKED
#define GMEM_SHARE			0x2000
#define GMEM_DDESHARE			0x2000
#define GMEM_NOTIFY			0x4000
#define GMEM_VALID_FLAGS		0x7F72
#define GMEM_LOCKCOUNT			0x00FF
#define GMEM_DISCARDED			0x4000
#define GMEM_INVALID_HANDLE		0x8000
#define GHND				(GMEM_MOVEABLE | GMEM_ZEROINIT)
#define GPTR				(GMEM_FIXED | GMEM_ZEROINIT)

/* The same for LocalAlloc() and its kin. */
#define LMEM_FIXED			0x0000
#define LMEM_MOVEABLE			0x0002
#define LMEM_NOCOMPACT			0x0010
#define LMEM_NODISCARD			0x0020
#define LMEM_ZEROINIT			0x0040
#define LMEM_MODIFY			0x0080
#define LMEM_DISCARDABLE		0x0F00
#define LMEM_VALID_FLAGS		0x0F72
#define LMEM_LOCKCOUNT			0x00FF
#define LMEM_DISCARDED			0x4000
#define LMEM_INVALID_HANDLE		0x8000
#define LHND				(LMEM_MOVEABLE | LMEM_ZEROINIT)
#define LPTR				(LMEM_FIXED | LMEM_ZEROINIT)
#define NONZEROLHND			LMEM_MOVEABLE
#define NONZEROLPTR			LMEM_FIXED

#define PROCESSOR_ARCHITECTURE_AMD64	9
#define PROCESSOR_ARCHITECTURE_ARM64	12
#define PROCESSOR_ARCHITECTURE_UNKNOWN	0xffff
#define PROCESSOR_AMD_X8664		8664

/* One run of pages that are alike, as VirtualQuery() describes it. */
typedef struct _MEMORY_BASIC_INFORMATION {
	PVOID BaseAddress;
	PVOID AllocationBase;
	DWORD AllocationProtect;
	WORD PartitionId;		/* always 0 */
	SIZE_T RegionSize;
	DWORD State;
	DWORD Protect;
	DWORD Type;
} MEMORY_BASIC_INFORMATION, *PMEMORY_BASIC_INFORMATION;

typedef struct _SYSTEM_INFO {
	__extension__ union {
		DWORD dwOemId;
		__extension__ struct {
			WORD wProcessorArchitecture;
			WORD wReserved;
		};
	};
	DWORD dwPageSize;
	LPVOID lpMinimumApplicationAddress;
	LPVOID lpMaximumApplicationAddress;
	DWORD_PTR dwActiveProcessorMask;
	DWORD dwNumberOfProcessors;
	DWORD dwProcessorType;
	DWORD dwAllocationGranularity;
	WORD wProcessorLevel;
	WORD wProcessorRevision;
} SYSTEM_INFO, *LPSYSTEM_INFO;

/* Bytes everywhere. dwLength is set by GlobalMemoryStatus(). */
typedef struct _MEMORYSTATUS {
	DWORD dwLength;
	DWORD dwMemoryLoad;
	SIZE_T dwTotalPhys;
	SIZE_T dwAvailPhys;
	SIZE_T dwTotalPageFile;
	SIZE_T dwAvailPageFile;
	SIZE_T dwTotalVirtual;
	SIZE_T dwAvailVirtual;
} MEMORYSTATUS, *LPMEMORYSTATUS;

/* Bytes everywhere. dwLength is set by the caller, to the size of the struct. */
typedef struct _MEMORYSTATUSEX {
	DWORD dwLength;
	DWORD dwMemoryLoad;
	DWORDLONG ullTotalPhys;
	DWORDLONG ullAvailPhys;
	DWORDLONG ullTotalPageFile;
	DWORDLONG ullAvailPageFile;
	DWORDLONG ullTotalVirtual;
	DWORDLONG ullAvailVirtual;
	DWORDLONG ullAvailExtendedVirtual;
} MEMORYSTATUSEX, *LPMEMORYSTATUSEX;

typedef enum _MEMORY_RESOURCE_NOTIFICATION_TYPE {
	LowMemoryResourceNotification,
	HighMemoryResourceNotification
} MEMORY_RESOURCE_NOTIFICATION_TYPE;

typedef struct _WIN32_MEMORY_RANGE_ENTRY {
	PVOID VirtualAddress;
	SIZE_T NumberOfBytes;
} WIN32_MEMORY_RANGE_ENTRY, *PWIN32_MEMORY_RANGE_ENTRY;

/* How soon OfferVirtualMemory()'s pages may go: all the same to Linux. */
typedef enum OFFER_PRIORITY {
	VmOfferPriorityVeryLow = 1,
	VmOfferPriorityLow,
	VmOfferPriorityBelowNormal,
	VmOfferPriorityNormal,
} OFFER_PRIORITY;

/* What QueryWorkingSetEx() tells of a page; of one with Valid 0 the second struct. */
typedef union _PSAPI_WORKING_SET_EX_BLOCK {
	ULONG_PTR Flags;
	__extension__ struct {
		ULONG_PTR Valid : 1;
		ULONG_PTR ShareCount : 3;
		ULONG_PTR Win32Protection : 11;
		ULONG_PTR Shared : 1;
		ULONG_PTR Node : 6;
		ULONG_PTR Locked : 1;
		ULONG_PTR LargePage : 1;
		ULONG_PTR Reserved : 7;
		ULONG_PTR Bad : 1;
		ULONG_PTR ReservedUlong : 32;
	};
	struct {
		ULONG_PTR Valid : 1;
		ULONG_PTR Reserved0 : 14;
		ULONG_PTR Shared : 1;
		ULONG_PTR Reserved1 : 15;
		ULONG_PTR Bad : 1;
		ULONG_PTR ReservedUlong : 32;
	} Invalid;
} PSAPI_WORKING_SET_EX_BLOCK, *PPSAPI_WORKING_SET_EX_BLOCK;

typedef struct _PSAPI_WORKING_SET_EX_INFORMATION {
	PVOID VirtualAddress;
	PSAPI_WORKING_SET_EX_BLOCK VirtualAttributes;
} PSAPI_WORKING_SET_EX_INFORMATION, *PPSAPI_WORKING_SET_EX_INFORMATION;

/*
 * Where VirtualAlloc2() may place a reservation. HighestEndingAddress is the last
 * byte, not the first one behind. Zero means no requirement.
 */
typedef struct _MEM_ADDRESS_REQUIREMENTS {
	PVOID LowestStartingAddress;
	PVOID HighestEndingAddress;
	SIZE_T Alignment;
} MEM_ADDRESS_REQUIREMENTS, *PMEM_ADDRESS_REQUIREMENTS;

typedef enum MEM_EXTENDED_PARAMETER_TYPE {
	MemExtendedParameterInvalidType = 0,
	MemExtendedParameterAddressRequirements,
	MemExtendedParameterNumaNode,
	MemExtendedParameterPartitionHandle,
	MemExtendedParameterUserPhysicalHandle,
	MemExtendedParameterAttributeFlags,
	MemExtendedParameterImageMachine,
	MemExtendedParameterMax
} MEM_EXTENDED_PARAMETER_TYPE, *PMEM_EXTENDED_PARAMETER_TYPE;

#define MEM_EXTENDED_PARAMETER_TYPE_BITS	8

/* Bits of ULong64 in a parameter of type MemExtendedParameterAttributeFlags. */
#define MEM_EXTENDED_PARAMETER_GRAPHICS			0x01
#define MEM_EXTENDED_PARAMETER_NONPAGED			0x02
#define MEM_EXTENDED_PARAMETER_ZERO_PAGES_OPTIONAL	0x04
#define MEM_EXTENDED_PARAMETER_NONPAGED_LARGE		0x08
#define MEM_EXTENDED_PARAMETER_NONPAGED_HUGE		0x10
#define MEM_EXTENDED_PARAMETER_SOFT_FAULT_PAGES		0x20
#define MEM_EXTENDED_PARAMETER_EC_CODE			0x40

typedef struct MEM_EXTENDED_PARAMETER {
	__extension__ struct {
		DWORD64 Type : MEM_EXTENDED_PARAMETER_TYPE_BITS;
		DWORD64 Reserved : 64 - MEM_EXTENDED_PARAMETER_TYPE_BITS;
	};
	__extension__ union {
		DWORD64 ULong64;
		PVOID Pointer;
		SIZE_T Size;
		HANDLE Handle;
		DWORD ULong;
	};
} MEM_EXTENDED_PARAMETER, *PMEM_EXTENDED_PARAMETER;

typedef struct _EXCEPTION_RECORD {
	DWORD ExceptionCode;
	DWORD ExceptionFlags;
	struct _EXCEPTION_RECORD *ExceptionRecord;
	PVOID ExceptionAddress;
	DWORD NumberParameters;
	ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;

typedef struct __attribute__((aligned(16))) _M128A {
	ULONGLONG Low;
	LONGLONG High;
} M128A, *PM128A;

/* What the FXSAVE instruction stores. */
typedef struct __attribute__((aligned(16))) _XSAVE_FORMAT {
	WORD ControlWord;
	WORD StatusWord;
	BYTE TagWord;
	BYTE Reserved1;
	WORD ErrorOpcode;
	DWORD ErrorOffset;
	WORD ErrorSelector;
	WORD Reserved2;
	DWORD DataOffset;
	WORD DataSelector;
	WORD Reserved3;
	DWORD MxCsr;
	DWORD MxCsr_Mask;
	M128A FloatRegisters[8];
	M128A XmmRegisters[16];
	BYTE Reserved4[96];
} XSAVE_FORMAT, *PXSAVE_FORMAT, XMM_SAVE_AREA32, *PXMM_SAVE_AREA32;

/* The registers of a thread. Debug, vector and branch registers are 0 here. */
typedef struct __attribute__((aligned(16))) _CONTEXT {
	DWORD64 P1Home;
	DWORD64 P2Home;
	DWORD64 P3Home;
	DWORD64 P4Home;
	DWORD64 P5Home;
	DWORD64 P6Home;
	DWORD ContextFlags;
	DWORD MxCsr;
	WORD SegCs;
	WORD SegDs;
	WORD SegEs;
	WORD SegFs;
	WORD SegGs;
	WORD SegSs;
	DWORD EFlags;
	DWORD64 Dr0;
	DWORD64 Dr1;
	DWORD64 Dr2;
	DWORD64 Dr3;
	DWORD64 Dr6;
	DWORD64 Dr7;
	DWORD64 Rax;
	DWORD64 Rcx;
	DWORD64 Rdx;
	DWORD64 Rbx;
	DWORD64 Rsp;
	DWORD64 Rbp;
	DWORD64 Rsi;
	DWORD64 Rdi;
	DWORD64 R8;
	DWORD64 R9;
	DWORD64 R10;
	DWORD64 R11;
	DWORD64 R12;
	DWORD64 R13;
	DWORD64 R14;
	DWORD64 R15;
	DWORD64 Rip;
	__extension__ union {
		XMM_SAVE_AREA32 FltSave;
		__extension__ struct {
			M128A Header[2];
			M128A Legacy[8];
			M128A Xmm0;
			M128A Xmm1;
			M128A Xmm2;
			M128A Xmm3;
			M128A Xmm4;
			M128A Xmm5;
			M128A Xmm6;
			M128A Xmm7;
			M128A Xmm8;
			M128A Xmm9;
			M128A Xmm10;
			M128A Xmm11;
			M128A Xmm12;
			M128A Xmm13;
			M128A Xmm14;
			M128A Xmm15;
		};
	};
	M128A VectorRegister[26];
	DWORD64 VectorControl;
	DWORD64 DebugControl;
	DWORD64 LastBranchToRip;
	DWORD64 LastBranchFromRip;
	DWORD64 LastExceptionToRip;
	DWORD64 LastExceptionFromRip;
} CONTEXT, *PCONTEXT;

typedef struct _EXCEPTION_POINTERS {
	PEXCEPTION_RECORD ExceptionRecord;
	PCONTEXT ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS;

typedef LONG (WINAPI *PVECTORED_EXCEPTION_HANDLER)(PEXCEPTION_POINTERS ExceptionInfo);
typedef LONG (WINAPI *PTOP_LEVEL_EXCEPTION_FILTER)(PEXCEPTION_POINTERS ExceptionInfo);
typedef PTOP_LEVEL_EXCEPTION_FILTER LPTOP_LEVEL_EXCEPTION_FILTER;

/* One step of HeapWalk(). dwReserved leads to the next: leave it as it is. */
typedef struct _PROCESS_HEAP_ENTRY {
	PVOID lpData;
	DWORD cbData;
	BYTE cbOverhead;
	BYTE iRegionIndex;
	WORD wFlags;
	__extension__ union {
		struct {
			HANDLE hMem;
			DWORD dwReserved[3];
		} Block;
		struct {
			DWORD dwCommittedSize;
			DWORD dwUnCommittedSize;
			LPVOID lpFirstBlock;
			LPVOID lpLastBlock;
		} Region;
	};
} PROCESS_HEAP_ENTRY, *LPPROCESS_HEAP_ENTRY, *PPROCESS_HEAP_ENTRY;

/* Bytes of a whole heap. cb is set by the caller, to the size of the struct. */
typedef struct _HEAP_SUMMARY {
	DWORD cb;
	SIZE_T cbAllocated;
	SIZE_T cbCommitted;
	SIZE_T cbReserved;
	SIZE_T cbMaxReserve;
} HEAP_SUMMARY, *PHEAP_SUMMARY, *LPHEAP_SUMMARY;

typedef enum _HEAP_INFORMATION_CLASS {
	HeapCompatibilityInformation = 0,
	HeapEnableTerminationOnCorruption = 1,
	HeapOptimizeResources = 3
} HEAP_INFORMATION_CLASS;

#define HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION	1

typedef struct _HEAP_OPTIMIZE_RESOURCES_INFORMATION {
	DWORD Version;
	DWORD Flags;
} HEAP_OPTIMIZE_RESOURCES_INFORMATION, *PHEAP_OPTIMIZE_RESOURCES_INFORMATION;

/* Programs write these structs out and compare their sizes: they are as on Windows. */
#ifdef __cplusplus
#if __cplusplus >= 201103L
#define WINMEM_SIZE_IS(type, bytes)	static_assert(sizeof(type) == (bytes), #type)
#endif
#else
#define WINMEM_SIZE_IS(type, bytes)	_Static_assert(sizeof(type) == (bytes), #type)
#endif
#ifdef WINMEM_SIZE_IS
WINMEM_SIZE_IS(DWORD, 4);
WINMEM_SIZE_IS(ULONG_PTR, 8);
WINMEM_SIZE_IS(MEMORY_BASIC_INFORMATION, 48);
WINMEM_SIZE_IS(SYSTEM_INFO, 48);
WINMEM_SIZE_IS(MEMORYSTATUS, 56);
WINMEM_SIZE_IS(MEMORYSTATUSEX, 64);
WINMEM_SIZE_IS(MEM_ADDRESS_REQUIREMENTS, 24);
WINMEM_SIZE_IS(MEM_EXTENDED_PARAMETER, 16);
WINMEM_SIZE_IS(WIN32_MEMORY_RANGE_ENTRY, 16);
WINMEM_SIZE_IS(PSAPI_WORKING_SET_EX_BLOCK, 8);
WINMEM_SIZE_IS(PSAPI_WORKING_SET_EX_INFORMATION, 16);
WINMEM_SIZE_IS(EXCEPTION_RECORD, 152);
WINMEM_SIZE_IS(XSAVE_FORMAT, 512);
WINMEM_SIZE_IS(CONTEXT, 1232);
WINMEM_SIZE_IS(PROCESS_HEAP_ENTRY, 40);
WINMEM_SIZE_IS(HEAP_SUMMARY, 40);
WINMEM_SIZE_IS(HEAP_OPTIMIZE_RESOURCES_INFORMATION, 8);
#undef WINMEM_SIZE_IS
#endif

/* The last error belongs to the calling thread. Calls that succeed leave it alone. */
WINMEM_API DWORD WINAPI GetLastError(void);
WINMEM_API void WINAPI SetLastError(DWORD dwErrCode);

/* A handle of the caller itself; it needs no closing. */
WINMEM_API HANDLE WINAPI GetCurrentProcess(void);
WINMEM_API DWORD WINAPI GetCurrentProcessId(void);

/* Of another process: to act on its memory, as far as ptrace(2) would let the caller. */
WINMEM_API HANDLE WINAPI OpenProcess(DWORD dwDesiredAccess, BOOL bInheritHandle,
				     DWORD dwProcessId);
WINMEM_API DWORD WINAPI GetProcessId(HANDLE Process);
WINMEM_API BOOL WINAPI ReadProcessMemory(HANDLE hProcess, LPCVOID lpBaseAddress, LPVOID lpBuffer,
					 SIZE_T nSize, SIZE_T *lpNumberOfBytesRead);
WINMEM_API BOOL WINAPI WriteProcessMemory(HANDLE hProcess, LPVOID lpBaseAddress,
					  LPCVOID lpBuffer, SIZE_T nSize,
					  SIZE_T *lpNumberOfBytesWritten);

WINMEM_API BOOL WINAPI CloseHandle(HANDLE hObject);

WINMEM_API LPVOID WINAPI VirtualAlloc(LPVOID lpAddress, SIZE_T dwSize, DWORD flAllocationType,
				      DWORD flProtect);
WINMEM_API LPVOID WINAPI VirtualAllocEx(HANDLE hProcess, LPVOID lpAddress, SIZE_T dwSize,
					DWORD flAllocationType, DWORD flProtect);
WINMEM_API PVOID WINAPI VirtualAlloc2(HANDLE Process, PVOID BaseAddress, SIZE_T Size,
				      ULONG AllocationType, ULONG PageProtection,
				      MEM_EXTENDED_PARAMETER *ExtendedParameters,
				      ULONG ParameterCount);

/* The FromApp forms refuse execute protections as Windows' app containers do. */
WINMEM_API PVOID WINAPI VirtualAllocFromApp(PVOID BaseAddress, SIZE_T Size,
					    ULONG AllocationType, ULONG Protection);
WINMEM_API PVOID WINAPI VirtualAlloc2FromApp(HANDLE Process, PVOID BaseAddress, SIZE_T Size,
					     ULONG AllocationType, ULONG PageProtection,
					     MEM_EXTENDED_PARAMETER *ExtendedParameters,
					     ULONG ParameterCount);

WINMEM_API BOOL WINAPI VirtualFree(LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType);
WINMEM_API BOOL WINAPI VirtualFreeEx(HANDLE hProcess, LPVOID lpAddress, SIZE_T dwSize,
				     DWORD dwFreeType);

WINMEM_API BOOL WINAPI VirtualProtect(LPVOID lpAddress, SIZE_T dwSize, DWORD flNewProtect,
				      PDWORD lpflOldProtect);
WINMEM_API BOOL WINAPI VirtualProtectEx(HANDLE hProcess, LPVOID lpAddress, SIZE_T dwSize,
					DWORD flNewProtect, PDWORD lpflOldProtect);
WINMEM_API BOOL WINAPI VirtualProtectFromApp(PVOID Address, SIZE_T Size, ULONG NewProtection,
					     PULONG OldProtection);

/* Bytes written to the buffer: sizeof(MEMORY_BASIC_INFORMATION), or 0 for failure. */
WINMEM_API SIZE_T WINAPI VirtualQuery(LPCVOID lpAddress, PMEMORY_BASIC_INFORMATION lpBuffer,
				      SIZE_T dwLength);
WINMEM_API SIZE_T WINAPI VirtualQueryEx(HANDLE hProcess, LPCVOID lpAddress,
					PMEMORY_BASIC_INFORMATION lpBuffer, SIZE_T dwLength);

/* Pages of memory made with MEM_WRITE_WATCH. 0, or ~0 for failure. */
WINMEM_API UINT WINAPI GetWriteWatch(DWORD dwFlags, PVOID lpBaseAddress, SIZE_T dwRegionSize,
				     PVOID *lpAddresses, PULONG_PTR lpdwCount,
				     LPDWORD lpdwGranularity);
WINMEM_API UINT WINAPI ResetWriteWatch(LPVOID lpBaseAddress, SIZE_T dwRegionSize);

/* A hint: bring these ranges in from swap or their files. */
WINMEM_API BOOL WINAPI PrefetchVirtualMemory(HANDLE hProcess, ULONG_PTR NumberOfEntries,
					     PWIN32_MEMORY_RANGE_ENTRY VirtualAddresses,
					     ULONG Flags);

/* Pages that stay in memory. Locks do not add up. */
WINMEM_API BOOL WINAPI VirtualLock(LPVOID lpAddress, SIZE_T dwSize);
WINMEM_API BOOL WINAPI VirtualUnlock(LPVOID lpAddress, SIZE_T dwSize);

/* These return their error, or ERROR_SUCCESS. */
WINMEM_API DWORD WINAPI DiscardVirtualMemory(PVOID VirtualAddress, SIZE_T Size);
WINMEM_API DWORD WINAPI OfferVirtualMemory(PVOID VirtualAddress, SIZE_T Size,
					   OFFER_PRIORITY Priority);
WINMEM_API DWORD WINAPI ReclaimVirtualMemory(void const *VirtualAddress, SIZE_T Size);

WINMEM_API BOOL WINAPI QueryWorkingSetEx(HANDLE hProcess, PVOID pv, DWORD cb);
WINMEM_API BOOL WINAPI GetProcessWorkingSetSize(HANDLE hProcess,
						PSIZE_T lpMinimumWorkingSetSize,
						PSIZE_T lpMaximumWorkingSetSize);
WINMEM_API BOOL WINAPI GetProcessWorkingSetSizeEx(HANDLE hProcess,
						  PSIZE_T lpMinimumWorkingSetSize,
						  PSIZE_T lpMaximumWorkingSetSize,
						  PDWORD Flags);
WINMEM_API BOOL WINAPI SetProcessWorkingSetSize(HANDLE hProcess, SIZE_T dwMinimumWorkingSetSize,
						SIZE_T dwMaximumWorkingSetSize);
WINMEM_API BOOL WINAPI SetProcessWorkingSetSizeEx(HANDLE hProcess,
						  SIZE_T dwMinimumWorkingSetSize,
						  SIZE_T dwMaximumWorkingSetSize,
						  DWORD Flags);

/* TRUE: it cannot be accessed, or was a guard page till now. */
WINMEM_API BOOL WINAPI IsBadReadPtr(const void *lp, UINT_PTR ucb);
WINMEM_API BOOL WINAPI IsBadWritePtr(LPVOID lp, UINT_PTR ucb);
WINMEM_API BOOL WINAPI IsBadCodePtr(FARPROC lpfn);
WINMEM_API BOOL WINAPI IsBadStringPtrA(LPCSTR lpsz, UINT_PTR ucchMax);

WINMEM_API void WINAPI GetSystemInfo(LPSYSTEM_INFO lpSystemInfo);
WINMEM_API void WINAPI GetNativeSystemInfo(LPSYSTEM_INFO lpSystemInfo);
WINMEM_API SIZE_T WINAPI GetLargePageMinimum(void);

WINMEM_API BOOL WINAPI GlobalMemoryStatusEx(LPMEMORYSTATUSEX lpBuffer);
WINMEM_API void WINAPI GlobalMemoryStatus(LPMEMORYSTATUS lpBuffer);

/* Kilobytes of memory in the machine. */
WINMEM_API BOOL WINAPI GetPhysicallyInstalledSystemMemory(PULONGLONG TotalMemoryInKilobytes);

WINMEM_API HANDLE WINAPI CreateMemoryResourceNotification(
	MEMORY_RESOURCE_NOTIFICATION_TYPE NotificationType);
WINMEM_API BOOL WINAPI QueryMemoryResourceNotification(HANDLE ResourceNotificationHandle,
						       PBOOL ResourceState);

/*
 * Not of Windows: the most that this process may commit, in bytes, all its committed
 * memory together. WINMEM_COMMIT_LIMIT in the environment sets it from outside.
 */
#define WINMEM_NO_COMMIT_LIMIT	((SIZE_T)-1)
WINMEM_API BOOL WINAPI WinmemSetProcessCommitLimit(SIZE_T dwLimit);
WINMEM_API BOOL WINAPI WinmemGetProcessCommitLimit(PSIZE_T lpLimit);
/*
 * Handlers of exceptions: of accesses that are refused, and of RaiseException(). First is
 * not 0: before those that are there. What Add returns, Remove takes; NULL is a failure.
 */
WINMEM_API PVOID WINAPI AddVectoredExceptionHandler(ULONG First,
						    PVECTORED_EXCEPTION_HANDLER Handler);
WINMEM_API ULONG WINAPI RemoveVectoredExceptionHandler(PVOID Handle);
WINMEM_API PVOID WINAPI AddVectoredContinueHandler(ULONG First,
						   PVECTORED_EXCEPTION_HANDLER Handler);
WINMEM_API ULONG WINAPI RemoveVectoredContinueHandler(PVOID Handle);

/* The filter is asked when no handler has continued. The one before it is returned. */
WINMEM_API LPTOP_LEVEL_EXCEPTION_FILTER WINAPI SetUnhandledExceptionFilter(
	LPTOP_LEVEL_EXCEPTION_FILTER lpTopLevelExceptionFilter);
WINMEM_API LONG WINAPI UnhandledExceptionFilter(PEXCEPTION_POINTERS ExceptionInfo);

WINMEM_API void WINAPI RaiseException(DWORD dwExceptionCode, DWORD dwExceptionFlags,
				      DWORD nNumberOfArguments, const ULONG_PTR *lpArguments);

/*
 * Heaps. A handle is good for all threads until HeapDestroy(); a child made by fork(2) has
 * none of its parent's. A block that is none, or a damaged one, ends the process.
 */
WINMEM_API HANDLE WINAPI HeapCreate(DWORD flOptions, SIZE_T dwInitialSize, SIZE_T dwMaximumSize);
WINMEM_API BOOL WINAPI HeapDestroy(HANDLE hHeap);
WINMEM_API HANDLE WINAPI GetProcessHeap(void);
WINMEM_API DWORD WINAPI GetProcessHeaps(DWORD NumberOfHeaps, PHANDLE ProcessHeaps);

WINMEM_API LPVOID WINAPI HeapAlloc(HANDLE hHeap, DWORD dwFlags, SIZE_T dwBytes);
WINMEM_API LPVOID WINAPI HeapReAlloc(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem, SIZE_T dwBytes);
WINMEM_API BOOL WINAPI HeapFree(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem);

/* What was asked for, to the byte; (SIZE_T)-1 for failure. */
WINMEM_API SIZE_T WINAPI HeapSize(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem);

WINMEM_API BOOL WINAPI HeapLock(HANDLE hHeap);
WINMEM_API BOOL WINAPI HeapUnlock(HANDLE hHeap);
WINMEM_API BOOL WINAPI HeapValidate(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem);
WINMEM_API BOOL WINAPI HeapWalk(HANDLE hHeap, LPPROCESS_HEAP_ENTRY lpEntry);
WINMEM_API BOOL WINAPI HeapSummary(HANDLE hHeap, DWORD dwFlags, LPHEAP_SUMMARY lpSummary);

/* Size of the largest free block. */
WINMEM_API SIZE_T WINAPI HeapCompact(HANDLE hHeap, DWORD dwFlags);

WINMEM_API BOOL WINAPI HeapQueryInformation(HANDLE HeapHandle,
					    HEAP_INFORMATION_CLASS HeapInformationClass,
					    PVOID HeapInformation, SIZE_T HeapInformationLength,
					    PSIZE_T ReturnLength);
WINMEM_API BOOL WINAPI HeapSetInformation(HANDLE HeapHandle,
					  HEAP_INFORMATION_CLASS HeapInformationClass,
					  PVOID HeapInformation, SIZE_T HeapInformationLength);

/* Blocks of the process heap, some of them behind handles: what 16-bit Windows had. */
WINMEM_API HGLOBAL WINAPI GlobalAlloc(UINT uFlags, SIZE_T dwBytes);
WINMEM_API HGLOBAL WINAPI GlobalReAlloc(HGLOBAL hMem, SIZE_T dwBytes, UINT uFlags);
WINMEM_API HGLOBAL WINAPI GlobalFree(HGLOBAL hMem);
WINMEM_API LPVOID WINAPI GlobalLock(HGLOBAL hMem);
WINMEM_API BOOL WINAPI GlobalUnlock(HGLOBAL hMem);
WINMEM_API SIZE_T WINAPI GlobalSize(HGLOBAL hMem);
WINMEM_API UINT WINAPI GlobalFlags(HGLOBAL hMem);
WINMEM_API HGLOBAL WINAPI GlobalHandle(LPCVOID pMem);

WINMEM_API HLOCAL WINAPI LocalAlloc(UINT uFlags, SIZE_T uBytes);
WINMEM_API HLOCAL WINAPI LocalReAlloc(HLOCAL hMem, SIZE_T uBytes, UINT uFlags);
WINMEM_API HLOCAL WINAPI LocalFree(HLOCAL hMem);
WINMEM_API LPVOID WINAPI LocalLock(HLOCAL hMem);
WINMEM_API BOOL WINAPI LocalUnlock(HLOCAL hMem);
WINMEM_API SIZE_T WINAPI LocalSize(HLOCAL hMem);
WINMEM_API UINT WINAPI LocalFlags(HLOCAL hMem);
WINMEM_API HLOCAL WINAPI LocalHandle(LPCVOID pMem);

#define GlobalDiscard(h)	GlobalReAlloc((h), 0, GMEM_MOVEABLE)
#define LocalDiscard(h)		LocalReAlloc((h), 0, LMEM_MOVEABLE)

#define MoveMemory(Destination, Source, Length)	memmove((Destination), (Source), (Length))
#define CopyMemory(Destination, Source, Length)	memcpy((Destination), (Source), (Length))
#define FillMemory(Destination, Length, Fill)	memset((Destination), (Fill), (Length))
#define ZeroMemory(Destination, Length)		memset((Destination), 0, (Length))

/* No compiler may leave it out, though nobody reads the memory again. */
static inline PVOID SecureZeroMemory(PVOID ptr, SIZE_T cnt)
{
	memset(ptr, 0, cnt);
	__asm__ volatile("" : : "r" (ptr) : "memory");
	return ptr;
}

#ifdef __cplusplus
}
#endif

#endif /* WINMEM_H */
