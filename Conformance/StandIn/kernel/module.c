// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * What each leaf of the stand-in TDX module answers. It keeps no state of TDs and checks nothing:
 * a leaf succeeds, unless `controls.c` says otherwise. So it shows what KVM asks and what KVM does
 * with an answer, and nothing that the module decides.
 */
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/string.h>
#include "standin.h"

/* Leaves with an answer of their own. */
enum { MNG_RD = 11, PHYMEM_PAGE_RDMD = 24, SYS_RD = 34, SYS_TDMR_INIT = 36 };

#define FIELD_NOT_READABLE 0xc0000c0200000000ULL
/* TDX_NON_RECOVERABLE_TD as Linux has it (kvm-tdx §1.6), and the exit reason of a triple fault. */
#define TRIPLE_FAULT (0x4000000200000000ULL | 2)

struct field {
	u64 id, value;
};

/* Metadata of the module, by the ids of its specification; TDH.SYS.RD reads them. */
static const struct field system_fields[] = {
	{ 0x0800000100000003, 5 }, /* minor version */
	{ 0x0800000100000004, 1 }, /* major version */
	{ 0x0800000100000005, 16 }, /* update version */
	{ 0x0a00000300000008, BIT_ULL(18) | BIT_ULL(20) }, /* NO_RBP_MOD, TOPOLOGY_ENUM */
	{ 0x8900000100000000, 0 }, /* handoff version */
	{ 0x9100000100000008, 64 }, /* TDMRs */
	{ 0x9100000100000009, 16 }, /* reserved areas of a TDMR */
	{ 0x9100000100000010, 16 }, /* bytes of a PAMT entry of 4 KiB */
	{ 0x9100000100000011, 16 }, /* of 2 MiB */
	{ 0x9100000100000012, 16 }, /* of 1 GiB */
	{ 0x9800000100000000, 1 << 12 }, /* bytes of a TDR */
	{ 0x9800000100000100, 4 << 12 }, /* of a TDCS */
	{ 0x9800000100000200, 6 << 12 }, /* of a TDVPS */
	{ 0x1900000300000000, BIT_ULL(63) | BIT_ULL(30) | BIT_ULL(28) | BIT_ULL(0) }, /* ATTRIBUTES */
	{ 0x1900000300000001, 0 }, /* ATTRIBUTES that are always 1 */
	{ 0x1900000300000002, 0x6dbe7 }, /* XFAM */
	{ 0x1900000300000003, 3 }, /* XFAM that is always 1 */
	{ 0x9900000100000008, 576 }, /* vCPUs of a TD */
};

#define NUM_CPUID_CONFIG 0x9900000100000004ULL
#define CPUID_CONFIG_LEAVES 0x9900000300000400ULL
#define CPUID_CONFIG_VALUES 0x9900000300000500ULL

#define NO_SUBLEAF 0xffffffffULL
#define CPUID_LEAF(leaf, subleaf) ((u64)(subleaf) << 32 | (leaf))

/* CPUID bits that a VMM may set: EAX and EBX, ECX and EDX. */
static const struct {
	u64 leaf, eax_ebx, ecx_edx;
} cpuid_config[] = {
	{ CPUID_LEAF(0x1, NO_SUBLEAF), 0x00ff00000fff3fff, 0x3fabfbff31ffffff },
	{ CPUID_LEAF(0x7, 0), 0xd19f27eb00000000, 0xac03c7bc1b415f7e },
	{ CPUID_LEAF(0x7, 1), 0x0000000000001c30, 0 },
	{ CPUID_LEAF(0x4, 0), 0xffffffffffffffff, 0x00000007ffffffff },
	{ CPUID_LEAF(0x80000008, NO_SUBLEAF), 0x0000020000000000, 0 },
	{ CPUID_LEAF(0x80000007, NO_SUBLEAF), 0, 0x0000010000000000 },
};

static u64 read_system_field(u64 id, u64 *value)
{
	u64 index = id - CPUID_CONFIG_LEAVES, element = id - CPUID_CONFIG_VALUES;
	int i;

	for (i = 0; i < ARRAY_SIZE(system_fields); i++) {
		if (system_fields[i].id == id) {
			*value = system_fields[i].value;
			return 0;
		}
	}
	if (id == NUM_CPUID_CONFIG) {
		*value = ARRAY_SIZE(cpuid_config);
		return 0;
	}
	if (index < ARRAY_SIZE(cpuid_config)) {
		*value = cpuid_config[index].leaf;
		return 0;
	}
	if (element < 2 * ARRAY_SIZE(cpuid_config)) {
		*value = element % 2 ? cpuid_config[element / 2].ecx_edx : cpuid_config[element / 2].eax_ebx;
		return 0;
	}
	return FIELD_NOT_READABLE;
}

u64 standin_leaf(unsigned int leaf, struct standin_registers *args)
{
	u64 field = args->rdx;

	switch (leaf) {
	case SYS_RD:
		return read_system_field(field, &args->r8);
	case SYS_TDMR_INIT:
		args->rdx = ~0ULL; /* the whole TDMR is initialised */
		return 0;
	case PHYMEM_PAGE_RDMD:
		args->rcx = 0; /* PT_NDA: the page is nobody's */
		return 0;
	case MNG_RD:
		/* The TSC multiplier (field code 11 of TDCS) is 1.0; other fields are 0. */
		args->rcx = args->rdx = 0;
		args->r8 = (field & 0xffff) == 11 ? BIT_ULL(48) : 0;
		return 0;
	case STANDIN_VP_ENTER:
		memset(args, 0, sizeof(*args));
		return TRIPLE_FAULT;
	default:
		args->rcx = args->rdx = args->r8 = 0;
		return 0;
	}
}
