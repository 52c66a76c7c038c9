// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The MSRs of a processor with VMX, memory encryption and TDX (Intel SDM vol. 3, appendix A). */
#include <linux/bits.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/types.h>
#include <asm/cmdline.h>
#include <asm/msr.h>
#include <asm/setup.h>
#include <asm/vmx.h>
#include "standin.h"

#define ALLOWED(controls) ((u64)(controls) << 32)

/* The 64 private key ids of 6 bits, of which 32 are for memory encryption and 31 for TDs. */
#define KEYID_BITS 6
#define KEYIDS_OF_TME 32
#define KEYIDS_OF_TDX 31

#define PIN_BASED \
	(PIN_BASED_EXT_INTR_MASK | PIN_BASED_NMI_EXITING | PIN_BASED_VIRTUAL_NMIS | \
	 PIN_BASED_VMX_PREEMPTION_TIMER | PIN_BASED_POSTED_INTR)
#define SECONDARY \
	(SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES | SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_DESC | \
	 SECONDARY_EXEC_ENABLE_RDTSCP | SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE | \
	 SECONDARY_EXEC_ENABLE_VPID | SECONDARY_EXEC_WBINVD_EXITING | \
	 SECONDARY_EXEC_UNRESTRICTED_GUEST | SECONDARY_EXEC_APIC_REGISTER_VIRT | \
	 SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY | SECONDARY_EXEC_PAUSE_LOOP_EXITING | \
	 SECONDARY_EXEC_RDRAND_EXITING | SECONDARY_EXEC_ENABLE_INVPCID | \
	 SECONDARY_EXEC_RDSEED_EXITING | SECONDARY_EXEC_ENABLE_PML | SECONDARY_EXEC_ENABLE_XSAVES | \
	 SECONDARY_EXEC_TSC_SCALING)
#define EXIT_CONTROLS \
	(VM_EXIT_SAVE_DEBUG_CONTROLS | VM_EXIT_HOST_ADDR_SPACE_SIZE | \
	 VM_EXIT_LOAD_IA32_PERF_GLOBAL_CTRL | VM_EXIT_ACK_INTR_ON_EXIT | VM_EXIT_SAVE_IA32_PAT | \
	 VM_EXIT_LOAD_IA32_PAT | VM_EXIT_SAVE_IA32_EFER | VM_EXIT_LOAD_IA32_EFER | \
	 VM_EXIT_SAVE_VMX_PREEMPTION_TIMER)
#define ENTRY_CONTROLS \
	(VM_ENTRY_LOAD_DEBUG_CONTROLS | VM_ENTRY_IA32E_MODE | VM_ENTRY_LOAD_IA32_PERF_GLOBAL_CTRL | \
	 VM_ENTRY_LOAD_IA32_PAT | VM_ENTRY_LOAD_IA32_EFER)
#define EPT \
	(VMX_EPT_EXECUTE_ONLY_BIT | VMX_EPT_PAGE_WALK_4_BIT | VMX_EPT_PAGE_WALK_5_BIT | \
	 VMX_EPTP_UC_BIT | VMX_EPTP_WB_BIT | VMX_EPT_2MB_PAGE_BIT | VMX_EPT_1GB_PAGE_BIT | \
	 VMX_EPT_INVEPT_BIT | VMX_EPT_AD_BIT | VMX_EPT_EXTENT_CONTEXT_BIT | \
	 VMX_EPT_EXTENT_GLOBAL_BIT)
#define VPID \
	(VMX_VPID_INVVPID_BIT | VMX_VPID_EXTENT_INDIVIDUAL_ADDR_BIT | \
	 VMX_VPID_EXTENT_SINGLE_CONTEXT_BIT | VMX_VPID_EXTENT_GLOBAL_CONTEXT_BIT | \
	 VMX_VPID_EXTENT_SINGLE_NON_GLOBAL_BIT)

/* What boot leaves behind is read once, at boot. */
bool __ref standin_wanted(void)
{
	/* Asked before parameters are parsed: the first processor looks at itself early. */
	static int wanted = -1;

	if (wanted < 0)
		wanted = cmdline_find_option_bool(boot_command_line, "standin_tdx");
	return wanted;
}
EXPORT_SYMBOL_GPL(standin_wanted);

/* So that the kernel does not hand the word to the first process. */
static int __init standin_parameter(char *value)
{
	return 0;
}
early_param("standin_tdx", standin_parameter);

/* Controls come as what must be 1, and above that what may be 1. */
bool standin_read_msr(u32 msr, u64 *value)
{
	if (!standin_wanted())
		return false;
	switch (msr) {
	case MSR_IA32_FEAT_CTL:
		*value = FEAT_CTL_LOCKED | FEAT_CTL_VMX_ENABLED_OUTSIDE_SMX;
		return true;
	case MSR_IA32_MKTME_KEYID_PARTITIONING:
		*value = (u64)KEYIDS_OF_TDX << 32 | KEYIDS_OF_TME;
		return true;
	case 0x982: /* IA32_TME_ACTIVATE: locked, enabled */
		*value = (u64)KEYID_BITS << 32 | BIT_ULL(1) | BIT_ULL(0);
		return true;
	case MSR_IA32_VMX_BASIC:
		/*
		 * Revision 1, regions of 4096 bytes that are written back, reports of INS and OUTS,
		 * true controls; SEAMRET keeps the current VMCS (bit 60).
		 */
		*value = BIT_ULL(60) | BIT_ULL(55) | BIT_ULL(54) | 6ULL << 50 | 4096ULL << 32 | 1;
		return true;
	case MSR_IA32_VMX_PINBASED_CTLS:
	case MSR_IA32_VMX_TRUE_PINBASED_CTLS:
		*value = ALLOWED(PIN_BASED_ALWAYSON_WITHOUT_TRUE_MSR | PIN_BASED) |
			 PIN_BASED_ALWAYSON_WITHOUT_TRUE_MSR;
		return true;
	case MSR_IA32_VMX_PROCBASED_CTLS:
	case MSR_IA32_VMX_TRUE_PROCBASED_CTLS:
		*value = ALLOWED(0xfff9fffe) | 0x04006172;
		return true;
	case MSR_IA32_VMX_PROCBASED_CTLS2:
		*value = ALLOWED(SECONDARY);
		return true;
	case MSR_IA32_VMX_EXIT_CTLS:
	case MSR_IA32_VMX_TRUE_EXIT_CTLS:
		*value = ALLOWED(VM_EXIT_ALWAYSON_WITHOUT_TRUE_MSR | EXIT_CONTROLS) |
			 (VM_EXIT_ALWAYSON_WITHOUT_TRUE_MSR & ~VM_EXIT_SAVE_DEBUG_CONTROLS);
		return true;
	case MSR_IA32_VMX_ENTRY_CTLS:
	case MSR_IA32_VMX_TRUE_ENTRY_CTLS:
		*value = ALLOWED(VM_ENTRY_ALWAYSON_WITHOUT_TRUE_MSR | ENTRY_CONTROLS) |
			 (VM_ENTRY_ALWAYSON_WITHOUT_TRUE_MSR & ~VM_ENTRY_LOAD_DEBUG_CONTROLS);
		return true;
	case MSR_IA32_VMX_EPT_VPID_CAP:
		*value = (u64)VPID << 32 | EPT;
		return true;
	case MSR_IA32_VMX_MISC:
		/* A timer of 32 TSC ticks, activity states, 4 CR3 targets, all fields writable. */
		*value = BIT_ULL(29) | 4ULL << 16 | 7ULL << 6 | BIT_ULL(5) | 5;
		return true;
	case MSR_IA32_VMX_CR0_FIXED0:
		*value = 0x80000021; /* PG, NE, PE */
		return true;
	case MSR_IA32_VMX_CR0_FIXED1:
		*value = 0xffffffff;
		return true;
	case MSR_IA32_VMX_CR4_FIXED0:
		*value = 0x2000; /* VMXE */
		return true;
	case MSR_IA32_VMX_CR4_FIXED1:
		*value = 0x00f72fff;
		return true;
	case MSR_IA32_VMX_VMCS_ENUM:
		*value = 0x2e; /* indices up to 23 */
		return true;
	case MSR_IA32_VMX_PROCBASED_CTLS3:
	case MSR_IA32_VMX_VMFUNC:
		*value = 0;
		return true;
	}
	return false;
}
EXPORT_SYMBOL_GPL(standin_read_msr);
