// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * What tests say and see, in /sys/kernel/debug/standin-tdx:
 *
 * log     read: the SEAMCALLs since it was cleared, a line each, at most LOG_LENGTH:
 *         INDEX pid=PID LEAF vVERSION rcx=HEX rdx=HEX r8=HEX r9=HEX -> STATUS_HEX
 *         write anything: clears it.
 * fail    write "LEAF COUNT STATUS" (decimal, decimal, hex): the next COUNT calls of the leaf
 *         return STATUS and do nothing. "LEAF 0 0" takes it back.
 * delay   write "LEAF COUNT MICROSECONDS": the next COUNT calls of the leaf take so long, at most
 *         MAX_DELAY. Calls that are waiting hold what their callers hold.
 * script  write lines "RET RCX RDX R8 R9 R10 R11 R12 R13 R14 R15 RBX RDI RSI" (hex, missing ones
 *         are 0): what the next TDH.VP.ENTERs return. It replaces an earlier script; an empty line
 *         clears it.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "standin.h"

#define LOG_LENGTH 16384
#define LEAVES 128
#define SCRIPT_LENGTH 64
#define MAX_DELAY 1000000ULL

struct entry {
	u64 function, rcx, rdx, r8, r9, status;
	int pid;
};

struct planned_exit {
	u64 status;
	struct standin_registers args;
};

/* Everything below is under the lock, which SEAMCALLs take with interrupts off. */
static DEFINE_RAW_SPINLOCK(lock);
static struct entry log_entries[LOG_LENGTH];
static unsigned int log_count;
/* What the next so many calls of a leaf get: a status, or microseconds. */
static struct setting {
	u64 count, value;
} failures[LEAVES], delays[LEAVES];
static struct planned_exit script[SCRIPT_LENGTH];
static unsigned int script_length, script_position;

static const char *const names[LEAVES] = {
	[0] = "VP.ENTER", [1] = "MNG.ADDCX", [2] = "MEM.PAGE.ADD", [3] = "MEM.SEPT.ADD",
	[4] = "VP.ADDCX", [5] = "MEM.PAGE.RELOCATE", [6] = "MEM.PAGE.AUG", [7] = "MEM.RANGE.BLOCK",
	[8] = "MNG.KEY.CONFIG", [9] = "MNG.CREATE", [10] = "VP.CREATE", [11] = "MNG.RD",
	[12] = "MEM.RD", [13] = "MNG.WR", [14] = "MEM.WR", [15] = "MEM.PAGE.DEMOTE",
	[16] = "MR.EXTEND", [17] = "MR.FINALIZE", [18] = "VP.FLUSH", [19] = "MNG.VPFLUSHDONE",
	[20] = "MNG.KEY.FREEID", [21] = "MNG.INIT", [22] = "VP.INIT", [23] = "MEM.PAGE.PROMOTE",
	[24] = "PHYMEM.PAGE.RDMD", [25] = "MEM.SEPT.RD", [26] = "VP.RD",
	[28] = "PHYMEM.PAGE.RECLAIM", [29] = "MEM.PAGE.REMOVE", [30] = "MEM.SEPT.REMOVE",
	[31] = "SYS.KEY.CONFIG", [32] = "SYS.INFO", [33] = "SYS.INIT", [34] = "SYS.RD",
	[35] = "SYS.LP.INIT", [36] = "SYS.TDMR.INIT", [37] = "SYS.RDALL", [38] = "MEM.TRACK",
	[39] = "MEM.RANGE.UNBLOCK", [40] = "PHYMEM.CACHE.WB", [41] = "PHYMEM.PAGE.WBINVD",
	[43] = "VP.WR", [44] = "SYS.LP.SHUTDOWN", [45] = "SYS.CONFIG", [52] = "SYS.SHUTDOWN",
	[53] = "SYS.UPDATE", [69] = "SYS.DISABLE",
};

/* The value of a setting that is not used up; under the lock. */
static bool take(struct setting *setting, u64 *value)
{
	if (!setting->count)
		return false;
	setting->count--;
	*value = setting->value;
	return true;
}

/* Waits where a failure or an answer is still to be decided, so that others come in between. */
static void wait_if_told(unsigned int leaf, bool interruptible)
{
	unsigned long flags;
	u64 microseconds = 0;

	raw_spin_lock_irqsave(&lock, flags);
	take(&delays[leaf], &microseconds);
	raw_spin_unlock_irqrestore(&lock, flags);
	if (!microseconds)
		return;
	/* The trap came with interrupts off; the caller may have had them on. */
	if (interruptible)
		local_irq_enable();
	for (; microseconds > 1000; microseconds -= 1000)
		udelay(1000);
	udelay(microseconds);
	if (interruptible)
		local_irq_disable();
}

/* What TDH.VP.ENTER returns next; false when the script is at its end. */
static bool next_exit(u64 *status, struct standin_registers *args)
{
	if (script_position >= script_length)
		return false;
	*status = script[script_position].status;
	*args = script[script_position].args;
	script_position++;
	return true;
}

u64 standin_seamcall(u64 function, struct standin_registers *args, bool interruptible)
{
	unsigned int leaf = function & (LEAVES - 1);
	struct entry entry = {
		.function = function, .rcx = args->rcx, .rdx = args->rdx, .r8 = args->r8,
		.r9 = args->r9, .pid = current->pid,
	};
	unsigned long flags;

	wait_if_told(leaf, interruptible);
	raw_spin_lock_irqsave(&lock, flags);
	if (take(&failures[leaf], &entry.status)) {
		args->rcx = args->rdx = 0;
	} else if (leaf != STANDIN_VP_ENTER || !next_exit(&entry.status, args)) {
		entry.status = standin_leaf(leaf, args);
	}
	if (log_count < LOG_LENGTH)
		log_entries[log_count++] = entry;
	raw_spin_unlock_irqrestore(&lock, flags);
	return entry.status;
}

static int log_show(struct seq_file *file, void *unused)
{
	unsigned int i;

	/* Entries are only added behind, but for a clearing, which tests do not do at the same time. */
	for (i = 0; i < READ_ONCE(log_count); i++) {
		const struct entry *entry = &log_entries[i];
		const char *name = names[entry->function & (LEAVES - 1)];

		seq_printf(file, "%u pid=%d ", i, entry->pid);
		if (name)
			seq_printf(file, "TDH.%s", name);
		else
			seq_printf(file, "LEAF.%llu", entry->function & (LEAVES - 1));
		seq_printf(file, " v%llu rcx=%llx rdx=%llx r8=%llx r9=%llx -> %llx\n",
			   entry->function >> 16 & 0xff, entry->rcx, entry->rdx, entry->r8, entry->r9,
			   entry->status);
	}
	return 0;
}

static int log_open(struct inode *inode, struct file *file)
{
	return single_open(file, log_show, NULL);
}

static ssize_t log_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	log_count = 0;
	raw_spin_unlock_irqrestore(&lock, flags);
	return size;
}

static const struct file_operations log_operations = {
	.open = log_open, .read = seq_read, .write = log_write, .llseek = seq_lseek,
	.release = single_release,
};

/* Reads a leaf, a count and a value into one of the settings. */
static ssize_t write_setting(struct setting *settings, const char *format, u64 limit,
			     const char __user *from, size_t size)
{
	char line[96] = "";
	struct setting setting;
	unsigned int leaf;
	unsigned long flags;

	if (size >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, size))
		return -EFAULT;
	if (sscanf(line, format, &leaf, &setting.count, &setting.value) != 3)
		return -EINVAL;
	if (leaf >= LEAVES || setting.value > limit)
		return -EINVAL;
	raw_spin_lock_irqsave(&lock, flags);
	settings[leaf] = setting;
	raw_spin_unlock_irqrestore(&lock, flags);
	return size;
}

static ssize_t fail_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	return write_setting(failures, "%u %llu %llx", ~0ULL, from, size);
}

static const struct file_operations fail_operations = { .open = simple_open, .write = fail_write };

static ssize_t delay_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	return write_setting(delays, "%u %llu %llu", MAX_DELAY, from, size);
}

static const struct file_operations delay_operations = { .open = simple_open, .write = delay_write };

static bool read_exit(const char *line, struct planned_exit *exit)
{
	struct standin_registers *r = &exit->args;

	memset(exit, 0, sizeof(*exit));
	return sscanf(line, "%llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx",
		      &exit->status, &r->rcx, &r->rdx, &r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13,
		      &r->r14, &r->r15, &r->rbx, &r->rdi, &r->rsi) >= 1;
}

static ssize_t script_write(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	struct planned_exit *exits;
	char *text, *rest, *line;
	unsigned int length = 0;
	unsigned long flags;

	exits = kcalloc(SCRIPT_LENGTH, sizeof(*exits), GFP_KERNEL);
	if (!exits)
		return -ENOMEM;
	text = memdup_user_nul(from, size);
	if (IS_ERR(text)) {
		kfree(exits);
		return PTR_ERR(text);
	}
	rest = text;
	while ((line = strsep(&rest, "\n")) && length < SCRIPT_LENGTH)
		length += read_exit(line, &exits[length]);
	raw_spin_lock_irqsave(&lock, flags);
	memcpy(script, exits, length * sizeof(*exits));
	script_length = length;
	script_position = 0;
	raw_spin_unlock_irqrestore(&lock, flags);
	kfree(text);
	kfree(exits);
	return size;
}

static const struct file_operations script_operations = {
	.open = simple_open, .write = script_write,
};

static int __init controls_init(void)
{
	struct dentry *folder;

	if (!standin_wanted())
		return 0;
	folder = debugfs_create_dir("standin-tdx", NULL);
	debugfs_create_file("log", 0600, folder, NULL, &log_operations);
	debugfs_create_file("fail", 0200, folder, NULL, &fail_operations);
	debugfs_create_file("delay", 0200, folder, NULL, &delay_operations);
	debugfs_create_file("script", 0200, folder, NULL, &script_operations);
	return 0;
}
late_initcall(controls_init);
