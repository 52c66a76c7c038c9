// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Instructions that the processor does not know: it traps, and whoever is told first of a trap
 * does what they say (Intel SDM vol. 3, VMX instructions; vol. 2, MOVDIR64B; the TDX module's
 * interface specification, SEAMCALL).
 */
#include <linux/init.h>
#include <linux/io.h>
#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/notifier.h>
#include <asm/insn.h>
#include <asm/insn-eval.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include "standin.h"

#define ARITHMETIC_FLAGS \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)

static void set_result(struct pt_regs *regs, enum standin_vm_result result)
{
	regs->flags &= ~ARITHMETIC_FLAGS;
	if (result == STANDIN_VM_FAIL_INVALID)
		regs->flags |= X86_EFLAGS_CF;
	if (result == STANDIN_VM_FAIL_VALID)
		regs->flags |= X86_EFLAGS_ZF;
}

/* The register or the memory that ModRM.rm names; NULL where it names neither. */
static u64 *operand(struct insn *insn, struct pt_regs *regs)
{
	int offset;
	void __user *address;

	if (X86_MODRM_MOD(insn->modrm.value) == 3) {
		offset = insn_get_modrm_rm_off(insn, regs);
		return offset < 0 ? NULL : (u64 *)((unsigned long)regs + offset);
	}
	address = insn_get_addr_ref(insn, regs);
	return address == (void __user *)-1L ? NULL : (__force u64 *)address;
}

static bool has_prefix(struct insn *insn, insn_byte_t prefix)
{
	int i;

	for (i = 0; i < insn->prefixes.nbytes; i++)
		if (insn->prefixes.bytes[i] == prefix)
			return true;
	return false;
}

/* SEAMCALL: the leaf is in RAX, and its status after it. */
static void do_seamcall(struct pt_regs *regs)
{
	struct standin_registers args = {
		.rcx = regs->cx, .rdx = regs->dx, .r8 = regs->r8, .r9 = regs->r9, .r10 = regs->r10,
		.r11 = regs->r11, .r12 = regs->r12, .r13 = regs->r13, .r14 = regs->r14, .r15 = regs->r15,
		.rbx = regs->bx, .rdi = regs->di, .rsi = regs->si,
	};
	u64 function = regs->ax;

	/* There is no loader of modules, whose functions have the top bit. */
	if (function >> 63) {
		set_result(regs, STANDIN_VM_FAIL_INVALID);
		return;
	}
	regs->ax = standin_seamcall(function, &args, regs->flags & X86_EFLAGS_IF);
	regs->cx = args.rcx;
	regs->dx = args.rdx;
	regs->r8 = args.r8;
	regs->r9 = args.r9;
	regs->r10 = args.r10;
	regs->r11 = args.r11;
	/* The others belong to the caller, but for TDH.VP.ENTER. */
	if ((function & 0xffff) == STANDIN_VP_ENTER) {
		regs->r12 = args.r12;
		regs->r13 = args.r13;
		regs->r14 = args.r14;
		regs->r15 = args.r15;
		regs->bx = args.rbx;
		regs->di = args.rdi;
		regs->si = args.rsi;
	}
	set_result(regs, STANDIN_VM_SUCCEED);
}

/* 0F 01 with a second opcode byte in place of ModRM. */
static bool do_group(struct insn *insn, struct pt_regs *regs)
{
	switch (insn->modrm.value) {
	case 0xc2: /* VMLAUNCH */
	case 0xc3: /* VMRESUME */
		set_result(regs, standin_vmenter());
		return true;
	case 0xc4: /* VMXOFF */
		set_result(regs, STANDIN_VM_SUCCEED);
		return true;
	case 0xcf: /* SEAMCALL with the prefix, ENCLS without */
		if (!has_prefix(insn, 0x66))
			return false;
		do_seamcall(regs);
		return true;
	}
	return false;
}

/* What the stand-in's header `asm/vmx.h` makes of VMCLEAR and VMPTRLD: their register is RSP. */
static bool is_pointer(struct insn *insn)
{
	return X86_MODRM_REG(insn->modrm.value) == 4 && !X86_REX_R(insn->rex_prefix.value);
}

static bool do_instruction(struct insn *insn, struct pt_regs *regs)
{
	unsigned long *named;
	unsigned int opcode;
	u64 *other;

	if (insn->opcode.bytes[0] != 0x0f)
		return false;
	opcode = insn->opcode.bytes[1];
	if (opcode == 0x38)
		opcode = 0x3800 | insn->opcode.bytes[2];
	switch (opcode) {
	case 0x01:
		return do_group(insn, regs);
	case 0x3880: /* INVEPT, and VMXON by the stand-in's header */
	case 0x3881: /* INVVPID */
		set_result(regs, STANDIN_VM_SUCCEED);
		return true;
	}
	if (opcode != 0x78 && opcode != 0x79 && opcode != 0x38f8)
		return false;
	/* The register has the field, or the address that MOVDIR64B writes to. */
	named = insn_get_modrm_reg_ptr(insn, regs);
	other = operand(insn, regs);
	if (!named || !other)
		return false;
	if (opcode == 0x78 && is_pointer(insn)) /* VMPTRLD */
		set_result(regs, standin_vmptrld(*other));
	else if (opcode == 0x79 && is_pointer(insn)) /* VMCLEAR */
		set_result(regs, standin_vmclear(*other));
	else if (opcode == 0x78) /* VMREAD */
		set_result(regs, standin_vmread(*named, (unsigned long *)other));
	else if (opcode == 0x79) /* VMWRITE */
		set_result(regs, standin_vmwrite(*named, *other));
	else /* MOVDIR64B */
		memcpy((void *)*named, other, 64);
	return true;
}
NOKPROBE_SYMBOL(do_instruction);

static int standin_trap(struct notifier_block *block, unsigned long event, void *data)
{
	struct die_args *args = data;
	struct insn insn;

	if (event != DIE_TRAP || args->trapnr != X86_TRAP_UD || user_mode(args->regs))
		return NOTIFY_DONE;
	if (insn_decode_kernel(&insn, (void *)args->regs->ip) < 0)
		return NOTIFY_DONE;
	if (!do_instruction(&insn, args->regs))
		return NOTIFY_DONE;
	args->regs->ip += insn.length;
	return NOTIFY_STOP;
}
NOKPROBE_SYMBOL(standin_trap);

static struct notifier_block trap_block = { .notifier_call = standin_trap, .priority = INT_MAX };

static int __init standin_init(void)
{
	if (!standin_wanted())
		return 0;
	pr_info("standin-tdx: VMX and the TDX module are a stand-in; for tests only\n");
	return register_die_notifier(&trap_block);
}
/* Before TDX is enabled and before KVM begins. */
early_initcall(standin_init);
