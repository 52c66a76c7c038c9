// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* VMX without a guest: the region of a VMCS is memory, and its fields have a place in it. */
#include <linux/io.h>
#include <linux/percpu.h>
#include "standin.h"

/* The field that says why the last instruction failed. */
#define VM_INSTRUCTION_ERROR_FIELD 0x4400

#define NO_VMCS (~(phys_addr_t)0)
static DEFINE_PER_CPU(phys_addr_t, current_vmcs) = NO_VMCS;

/*
 * Where a field is: its width and its kind are the group, 32 fields of 8 bytes each. The first 8
 * bytes of the region are its revision, so that the last index has no place.
 */
static u64 *place(unsigned long field)
{
	phys_addr_t vmcs = this_cpu_read(current_vmcs);
	unsigned long width = field >> 13 & 3, kind = field >> 10 & 3, index = field >> 1 & 0x1ff;

	if (vmcs == NO_VMCS || index > 30)
		return NULL;
	return (u64 *)phys_to_virt(vmcs) + (width << 2 | kind) * 32 + index + 1;
}

static enum standin_vm_result fail(u64 error)
{
	u64 *why = place(VM_INSTRUCTION_ERROR_FIELD);

	if (!why)
		return STANDIN_VM_FAIL_INVALID;
	*why = error;
	return STANDIN_VM_FAIL_VALID;
}

enum standin_vm_result standin_vmread(unsigned long field, unsigned long *value)
{
	u64 *from = place(field);

	if (!from)
		return fail(STANDIN_UNSUPPORTED_FIELD);
	*value = *from;
	return STANDIN_VM_SUCCEED;
}

enum standin_vm_result standin_vmwrite(unsigned long field, unsigned long value)
{
	u64 *to = place(field);

	if (!to)
		return fail(STANDIN_UNSUPPORTED_FIELD);
	*to = value;
	return STANDIN_VM_SUCCEED;
}

enum standin_vm_result standin_vmptrld(phys_addr_t vmcs)
{
	this_cpu_write(current_vmcs, vmcs);
	return STANDIN_VM_SUCCEED;
}

enum standin_vm_result standin_vmclear(phys_addr_t vmcs)
{
	if (this_cpu_read(current_vmcs) == vmcs)
		this_cpu_write(current_vmcs, NO_VMCS);
	return STANDIN_VM_SUCCEED;
}

/* No guest but a TD can be entered. */
enum standin_vm_result standin_vmenter(void)
{
	return fail(STANDIN_ENTRY_WITH_INVALID_CONTROLS);
}
