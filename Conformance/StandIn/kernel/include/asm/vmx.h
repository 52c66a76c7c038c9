/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Comes before the kernel's header of this name. QEMU 10.0.2 does not trap on VMXON, VMCLEAR and
 * VMPTRLD, which share an opcode, but goes on within them. They are assembled as INVEPT, VMWRITE and
 * VMREAD of the same memory with RSP as the register, which no compiler takes for those;
 * `instructions.c` knows them by it.
 */
#include_next <asm/vmx.h>

#if !defined(STANDIN_VMX_H) && defined(CONFIG_INTEL_TDX_HOST) && !defined(__ASSEMBLER__) && \
	!defined(__DISABLE_EXPORTS) && !defined(BUILD_VDSO)
#define STANDIN_VMX_H

asm(".macro vmxon operand:vararg\n"
    "	invept \\operand, %rsp\n"
    ".endm\n"
    ".macro vmclear operand:vararg\n"
    "	vmwrite \\operand, %rsp\n"
    ".endm\n"
    ".macro vmptrld operand:vararg\n"
    "	vmread %rsp, \\operand\n"
    ".endm\n");
#endif
