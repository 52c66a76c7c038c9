/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Comes before the kernel's header of this name. QEMU's emulation does not know CR4.VMXE and never
 * gets beyond an instruction that sets it, so that the stand-in leaves the bit out.
 */
#include_next <asm/tlbflush.h>

#if !defined(STANDIN_TLBFLUSH_H) && defined(CONFIG_INTEL_TDX_HOST) && !defined(MODULE) && \
	!defined(__ASSEMBLER__) && !defined(__DISABLE_EXPORTS) && !defined(BUILD_VDSO)
#define STANDIN_TLBFLUSH_H

bool standin_wanted(void);

static inline void standin_cr4_set_bits(unsigned long mask)
{
	if (mask != X86_CR4_VMXE || !standin_wanted())
		cr4_set_bits(mask);
}
#define cr4_set_bits(mask) standin_cr4_set_bits(mask)
#endif
