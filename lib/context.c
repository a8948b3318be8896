// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The registers of a thread: Linux' ucontext as Windows' CONTEXT, and back.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>

#include "context.h"

#ifndef __x86_64__
#error "the registers of this processor are not known"
#endif

#define TRAP_PAGE_FAULT		14

/* The error code of a page fault. */
#define FAULT_WRITE		0x02
#define FAULT_FETCH		0x10

/* Of FXSAVE's bytes, those that hold registers: the kernel has the last ones for itself. */
#define FLOAT_BYTES		offsetof(XSAVE_FORMAT, Reserved4)

/* MxCsr's bits where the processor does not tell. */
#define FLOAT_MXCSR_MASK	0xffbf

#define SEGMENT(gregs, nr)	((WORD)((unsigned long long)(gregs)[REG_CSGSFS] >> 16 * (nr)))

struct winmem_access winmem_context_access(const ucontext_t *uc)
{
	const greg_t *gregs = uc->uc_mcontext.gregs;
	struct winmem_access access = {
		.has_addr = gregs[REG_TRAPNO] == TRAP_PAGE_FAULT,
		.rip = (void *)gregs[REG_RIP],
		.rsp = (void *)gregs[REG_RSP],
	};

	if (access.has_addr && gregs[REG_ERR] & FAULT_FETCH)
		access.kind = EXCEPTION_EXECUTE_FAULT;
	else if (access.has_addr && gregs[REG_ERR] & FAULT_WRITE)
		access.kind = EXCEPTION_WRITE_FAULT;
	return access;
}

void winmem_context_get(CONTEXT *context, const ucontext_t *uc)
{
	const greg_t *gregs = uc->uc_mcontext.gregs;

	*context = (CONTEXT){
		.ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER | CONTEXT_SEGMENTS,
		.SegCs = SEGMENT(gregs, 0),
		.SegGs = SEGMENT(gregs, 1),
		.SegFs = SEGMENT(gregs, 2),
		.SegSs = SEGMENT(gregs, 3),
		.EFlags = gregs[REG_EFL],
		.Rax = gregs[REG_RAX],
		.Rcx = gregs[REG_RCX],
		.Rdx = gregs[REG_RDX],
		.Rbx = gregs[REG_RBX],
		.Rsp = gregs[REG_RSP],
		.Rbp = gregs[REG_RBP],
		.Rsi = gregs[REG_RSI],
		.Rdi = gregs[REG_RDI],
		.R8 = gregs[REG_R8],
		.R9 = gregs[REG_R9],
		.R10 = gregs[REG_R10],
		.R11 = gregs[REG_R11],
		.R12 = gregs[REG_R12],
		.R13 = gregs[REG_R13],
		.R14 = gregs[REG_R14],
		.R15 = gregs[REG_R15],
		.Rip = gregs[REG_RIP],
	};
}

void winmem_context_get_float(CONTEXT *context, const ucontext_t *uc)
{
	if (!uc->uc_mcontext.fpregs)
		return;
	memcpy(&context->FltSave, uc->uc_mcontext.fpregs, FLOAT_BYTES);
	context->MxCsr = context->FltSave.MxCsr;
	context->ContextFlags |= CONTEXT_FLOATING_POINT;
}

void winmem_context_put(ucontext_t *uc, const CONTEXT *context)
{
	greg_t *gregs = uc->uc_mcontext.gregs;

	gregs[REG_EFL] = context->EFlags;
	gregs[REG_RAX] = context->Rax;
	gregs[REG_RCX] = context->Rcx;
	gregs[REG_RDX] = context->Rdx;
	gregs[REG_RBX] = context->Rbx;
	gregs[REG_RSP] = context->Rsp;
	gregs[REG_RBP] = context->Rbp;
	gregs[REG_RSI] = context->Rsi;
	gregs[REG_RDI] = context->Rdi;
	gregs[REG_R8] = context->R8;
	gregs[REG_R9] = context->R9;
	gregs[REG_R10] = context->R10;
	gregs[REG_R11] = context->R11;
	gregs[REG_R12] = context->R12;
	gregs[REG_R13] = context->R13;
	gregs[REG_R14] = context->R14;
	gregs[REG_R15] = context->R15;
	gregs[REG_RIP] = context->Rip;
}

void winmem_context_put_float(ucontext_t *uc, const CONTEXT *context)
{
	XSAVE_FORMAT *regs = (void *)uc->uc_mcontext.fpregs;
	DWORD mxcsr = context->MxCsr;

	if (!regs)
		return;
	/* It is there twice. The one that was changed counts, and bits that exist. */
	if (mxcsr == regs->MxCsr)
		mxcsr = context->FltSave.MxCsr;
	if (mxcsr == regs->MxCsr && !memcmp(regs, &context->FltSave, FLOAT_BYTES))
		return;
	mxcsr &= regs->MxCsr_Mask ? regs->MxCsr_Mask : FLOAT_MXCSR_MASK;
	memcpy(regs, &context->FltSave, FLOAT_BYTES);
	regs->MxCsr = mxcsr;
}
