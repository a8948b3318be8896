// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From VirtualAlloc's words to one request of the kernel: which combinations Windows
 * knows, and what they cover. Pure.
 *
 * Everything that is wrong with the words themselves is found here, before the kernel
 * looks at any memory: on Windows too a bad word beats a bad address. What is right but
 * not there yet comes last.
 */
#include <errno.h>
#include <linux/winmem.h>

#include "prot.h"
#include "request.h"

#define TYPE_RESETS		(MEM_RESET | MEM_RESET_UNDO)
#define TYPE_VERBS		(MEM_COMMIT | MEM_RESERVE | TYPE_RESETS)
#define TYPE_ADVERBS		(MEM_TOP_DOWN | MEM_WRITE_WATCH | MEM_PHYSICAL | MEM_LARGE_PAGES)
#define TYPE_PLACEHOLDERS	(MEM_RESERVE_PLACEHOLDER | MEM_REPLACE_PLACEHOLDER)
#define TYPE_LATER		(MEM_PHYSICAL | TYPE_PLACEHOLDERS)

/* Rows VA29, VA30, VA33, VA36, VA38, VR05, VR13. */
static int type_check(DWORD type)
{
	if (type & ~(TYPE_VERBS | TYPE_ADVERBS) || !(type & TYPE_VERBS))
		return EINVAL;
	if (type & TYPE_RESETS && type & (type - 1))
		return EINVAL;
	if (type & MEM_WRITE_WATCH && !(type & MEM_RESERVE))
		return EINVAL;
	if (type & MEM_PHYSICAL && (type & ~MEM_TOP_DOWN) != (MEM_RESERVE | MEM_PHYSICAL))
		return EINVAL;
	if (type & MEM_LARGE_PAGES && (!(type & MEM_COMMIT) || type & MEM_WRITE_WATCH))
		return EINVAL;
	return 0;
}

/* Rows PL03 to PL05, PL17, PL18. */
static int placeholder_check(const struct winmem_words *words)
{
	DWORD which = words->type & TYPE_PLACEHOLDERS;

	if (!which)
		return 0;
	if (which == TYPE_PLACEHOLDERS || !(words->type & MEM_RESERVE))
		return EINVAL;
	if (which == MEM_REPLACE_PLACEHOLDER)
		return words->addr ? 0 : EINVAL;
	return words->prot != PAGE_NOACCESS || words->type & MEM_COMMIT ? EINVAL : 0;
}

/* Rows VA27, VA36, VR06. */
static int prot_check(const struct winmem_words *words, DWORD *prot)
{
	int ret;

	*prot = words->prot;
	ret = winmem_prot_parse(prot);
	if (ret || winmem_prot_is_copy(*prot))
		return EINVAL;
	if (words->type & MEM_PHYSICAL && *prot != PAGE_READWRITE)
		return EINVAL;
	return 0;
}

/* Rows VA38 and VA40: whole pages, and never in a reservation that is there. */
static int large_check(const struct winmem_words *words)
{
	if (!(words->type & MEM_LARGE_PAGES))
		return 0;
	if (words->size % WINMEM_LARGE_PAGE || (words->addr && !(words->type & MEM_RESERVE)))
		return EINVAL;
	return 0;
}

static bool bounds_are_set(const struct winmem_bounds *bounds)
{
	return bounds->lowest || bounds->highest || bounds->alignment;
}

/* Fill in the operation and its range. A commit at no address is a reservation (VA18). */
static int request_place(struct winmem_request *request, const struct winmem_words *words)
{
	int ret;

	if (words->type & MEM_RESERVE || (words->type & MEM_COMMIT && !words->addr)) {
		request->op = WINMEM_REQUEST_RESERVE;
		if (words->type & MEM_COMMIT)
			request->flags |= WINMEM_RESERVE_COMMIT;
		if (words->type & MEM_TOP_DOWN)
			request->flags |= WINMEM_RESERVE_TOP_DOWN;
		if (words->type & MEM_WRITE_WATCH)
			request->flags |= WINMEM_RESERVE_WATCH;
		if (words->type & MEM_LARGE_PAGES) {
			request->flags |= WINMEM_RESERVE_LARGE;
			return winmem_range_large(&request->range, words->addr, words->size);
		}
		return winmem_range_reserve(&request->range, words->addr, words->size);
	}

	request->op = WINMEM_REQUEST_COMMIT;
	if (words->type & TYPE_RESETS) {
		request->op = WINMEM_REQUEST_RESET;
		if (words->type & MEM_RESET_UNDO)
			request->flags |= WINMEM_RESET_UNDO;
	}
	ret = winmem_range_check(words->addr, words->size);
	if (ret)
		return ret;
	ret = winmem_range_pages(&request->range, words->addr, words->size);
	if (ret)
		return ret;
	/* Nothing is ever in page 0, whatever the kernel thinks of such an address. */
	return request->range.start ? 0 : ENOENT;
}

/**
 * winmem_request_parse() - check VirtualAlloc's words and turn them into a request
 * @request: set
 * @words: the call
 *
 * Context: any.
 * Return: 0; EINVAL: a bad word; ENOENT: no memory can be there; ENOSYS: Windows
 * would, winmem cannot yet.
 */
int winmem_request_parse(struct winmem_request *request, const struct winmem_words *words)
{
	DWORD placeholders = words->placeholders ? TYPE_PLACEHOLDERS : 0;
	int ret;

	*request = (struct winmem_request){ .bounds = words->bounds };

	ret = type_check(words->type & ~placeholders);
	if (ret)
		return ret;
	ret = placeholder_check(words);
	if (ret)
		return ret;
	ret = prot_check(words, &request->prot);
	if (ret)
		return ret;
	ret = large_check(words);
	if (ret)
		return ret;
	/* The bounds are for the kernel's choice: an address leaves it none (PL45). */
	if (words->addr && bounds_are_set(&words->bounds))
		return EINVAL;
	ret = request_place(request, words);
	if (ret)
		return ret;
	return words->type & TYPE_LATER ? ENOSYS : 0;
}

/* Rows PL39 to PL43. The last byte that may be used is one before a page begins. */
static int requirements_parse(struct winmem_bounds *bounds, const MEM_ADDRESS_REQUIREMENTS *req)
{
	uint64_t lowest, highest, alignment;

	if (!req)
		return EINVAL;
	lowest = (uintptr_t)req->LowestStartingAddress;
	highest = (uintptr_t)req->HighestEndingAddress;
	alignment = req->Alignment;

	if (lowest % WINMEM_GRANULARITY || lowest > WINMEM_HIGHEST)
		return EINVAL;
	if (highest && ((highest + 1) % WINMEM_PAGE_SIZE || highest > WINMEM_HIGHEST ||
			highest < lowest))
		return EINVAL;
	if (alignment && (alignment < WINMEM_GRANULARITY || alignment & (alignment - 1)))
		return EINVAL;

	*bounds = (struct winmem_bounds){ lowest, highest, alignment };
	return 0;
}

/* Row PL47: no attribute is fine, the ones Windows has are not here. */
static int attributes_check(DWORD64 attributes)
{
	if (attributes & ~(DWORD64)0x7f)
		return EINVAL;
	return attributes ? ENOSYS : 0;
}

static int param_parse(struct winmem_bounds *bounds, const MEM_EXTENDED_PARAMETER *param)
{
	switch (param->Type) {
	case MemExtendedParameterAddressRequirements:
		return requirements_parse(bounds, param->Pointer);
	case MemExtendedParameterAttributeFlags:
		return attributes_check(param->ULong64);
	case MemExtendedParameterNumaNode:
	case MemExtendedParameterPartitionHandle:
	case MemExtendedParameterUserPhysicalHandle:
		return ENOSYS;
	default:
		return EINVAL;
	}
}

/**
 * winmem_bounds_parse() - read VirtualAlloc2's extended parameters (rows PL38 to PL47)
 * @bounds: set; nothing bounded without MEM_ADDRESS_REQUIREMENTS
 * @params: the parameters; NULL when @count is 0
 * @count: how many
 *
 * Context: any. All of them are checked: a bad one beats one that is not there yet.
 * Return: 0; EINVAL: an unknown type, one type twice, a bad value; ENOSYS.
 */
int winmem_bounds_parse(struct winmem_bounds *bounds, const MEM_EXTENDED_PARAMETER *params,
			ULONG count)
{
	unsigned int seen = 0;
	int ret, later = 0;

	*bounds = (struct winmem_bounds){};
	if (count && !params)
		return EINVAL;

	for (ULONG i = 0; i < count; i++) {
		if (params[i].Type >= MemExtendedParameterMax || seen & 1U << params[i].Type)
			return EINVAL;
		seen |= 1U << params[i].Type;
		ret = param_parse(bounds, &params[i]);
		if (ret == ENOSYS)
			later = ret;
		else if (ret)
			return ret;
	}
	return later;
}
