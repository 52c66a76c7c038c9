/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Comes before the kernel's header of this name. Reads of the MSRs that describe VMX, TME and TDX
 * are answered by the stand-in, when the kernel's command line asks for one. Other MSRs, whose
 * numbers the compiler knows, are read as without this file.
 */
#include_next <asm/msr.h>

#if !defined(STANDIN_MSR_H) && defined(CONFIG_INTEL_TDX_HOST) && !defined(__ASSEMBLER__) && \
	!defined(__DISABLE_EXPORTS) && !defined(BUILD_VDSO)
#define STANDIN_MSR_H

/* IA32_FEATURE_CONTROL, IA32_MKTME_KEYID_PARTITIONING, IA32_TME_ACTIVATE, IA32_VMX_* */
#define STANDIN_HAS_MSR(msr) \
	((msr) == 0x3a || (msr) == 0x87 || (msr) == 0x982 || ((msr) >= 0x480 && (msr) <= 0x492))

/* True, and the value, where the stand-in is wanted and has the MSR. */
bool standin_read_msr(u32 msr, u64 *value);

static __always_inline u64 standin_rdmsrq(u32 msr)
{
	u64 value;

	if (STANDIN_HAS_MSR(msr) && standin_read_msr(msr, &value))
		return value;
	rdmsrq(msr, value);
	return value;
}

static __always_inline int standin_rdmsrq_safe(u32 msr, u64 *value)
{
	if (STANDIN_HAS_MSR(msr) && standin_read_msr(msr, value))
		return 0;
	return rdmsrq_safe(msr, value);
}

#undef rdmsr
#undef rdmsrq
#undef rdmsr_safe
#define rdmsrq(msr, value) ((value) = standin_rdmsrq(msr))
#define rdmsr(msr, low, high) \
do { \
	u64 standin_value = standin_rdmsrq(msr); \
	(low) = (u32)standin_value; \
	(high) = (u32)(standin_value >> 32); \
} while (0)
#define rdmsrq_safe(msr, value) standin_rdmsrq_safe(msr, value)
#define rdmsr_safe(msr, low, high) \
({ \
	u64 standin_value = 0; \
	int standin_error = standin_rdmsrq_safe(msr, &standin_value); \
	*(low) = (u32)standin_value; \
	*(high) = (u32)(standin_value >> 32); \
	standin_error; \
})
#endif
