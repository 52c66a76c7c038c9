/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * A stand-in for VMX and for the TDX module, so that a kernel's own TDX code runs on a machine
 * without either. The kernel's files stay as they are: instructions that the processor does not
 * know trap, and the trap is answered here. `standin_tdx` on the command line switches it on.
 * For tests only: nothing is encrypted, and no guest runs.
 */
#ifndef STANDIN_H
#define STANDIN_H

#include <linux/types.h>
#include <asm/ptrace.h>

/* Whether the command line has `standin_tdx`. */
bool standin_wanted(void);

/* What a VMX instruction says in RFLAGS (Intel SDM vol. 3, VMsucceed and VMfail). */
enum standin_vm_result { STANDIN_VM_SUCCEED, STANDIN_VM_FAIL_INVALID, STANDIN_VM_FAIL_VALID };

/* Numbers of the VM-instruction error field. */
#define STANDIN_ENTRY_WITH_INVALID_CONTROLS 7
#define STANDIN_UNSUPPORTED_FIELD 12

enum standin_vm_result standin_vmread(unsigned long field, unsigned long *value);
enum standin_vm_result standin_vmwrite(unsigned long field, unsigned long value);
enum standin_vm_result standin_vmptrld(phys_addr_t vmcs);
enum standin_vm_result standin_vmclear(phys_addr_t vmcs);
enum standin_vm_result standin_vmenter(void);

/*
 * The registers of SEAMCALL, in the order of struct tdx_module_args of the specification of the
 * TDX module: what a leaf is called with, and what it returns.
 */
struct standin_registers {
	u64 rcx, rdx, r8, r9, r10, r11, r12, r13, r14, r15, rbx, rdi, rsi;
};

#define STANDIN_VP_ENTER 0

/* Answers a leaf of the TDX module; the status it returns is that of RAX. */
u64 standin_leaf(unsigned int leaf, struct standin_registers *args);

/* The same, with what the controls have set, and logged. */
u64 standin_seamcall(u64 function, struct standin_registers *args, bool interruptible);

#endif
