// SPDX-License-Identifier: Apache-2.0
/*
 * Records a program's calls on KVM as JSON lines (docs/traces.md), for tdxspec trace check.
 *
 *     gcc -shared -fPIC -O2 -Wall -Werror -o recorder.so recorder.c -ldl
 *     TDXSPEC_TRACE=trace.jsonl LD_PRELOAD=./recorder.so VMM ...
 *
 * A line is written when its call has returned, in one write, so that threads and children of
 * fork share the file. Calls that bypass the C library are not seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct line {
	char text[4096];
	size_t length;
};

static int trace_fd = -1;

static void add(struct line *line, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(line->text + line->length, sizeof(line->text) - line->length, format, list);
	va_end(list);
	if (length > 0 && line->length + length < sizeof(line->text))
		line->length += length;
}

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("TDXSPEC_TRACE");

	if (path)
		trace_fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

#define NEXT(name) ({ \
	static __typeof__(&name) next_; \
	if (!next_) \
		next_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
	next_; })

/* What a descriptor is; empty for one that has nothing to do with KVM. */
static const char *kind(int fd, char *name, size_t size)
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = syscall(SYS_readlinkat, AT_FDCWD, path, name, size - 1);
	name[length < 0 ? 0 : length] = 0;
	if (!strcmp(name, "/dev/kvm"))
		return "dev";
	if (strstr(name, "kvm-vcpu:"))
		return strstr(name, "kvm-vcpu:");
	if (strstr(name, "kvm-vm"))
		return "vm";
	return strstr(name, "kvm-gmem") ? "gmem" : strstr(name, "kvm") ? "other" : "";
}

static void start(struct line *line, int fd, const char *obj)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	line->length = 0;
	add(line, "{\"t\":%lld,\"pid\":%d,\"tid\":%d,\"fd\":%d,\"obj\":\"%s\"",
	    now.tv_sec * 1000000000LL + now.tv_nsec, getpid(), (int)syscall(SYS_gettid), fd, obj);
}

static void finish(struct line *line, long ret)
{
	int error = errno;

	add(line, ",\"ret\":%ld,\"errno\":%d}\n", ret, ret == -1 ? error : 0);
	if (trace_fd >= 0 && syscall(SYS_write, trace_fd, line->text, line->length) < 0)
		trace_fd = -1;
	errno = error;
}

/* The structures of <linux/kvm.h>, as 32- and 64-bit words: older headers lack the newer ones. */
static uint64_t word(const void *base, int at)
{
	uint64_t value;

	memcpy(&value, (const char *)base + at, 8);
	return value;
}

static uint32_t half(const void *base, int at)
{
	uint32_t value;

	memcpy(&value, (const char *)base + at, 4);
	return value;
}

static void add_word(struct line *line, const char *name, uint64_t value)
{
	add(line, ",\"%s\":\"0x%llx\"", name, (unsigned long long)value);
}

static void add_region(struct line *line, const void *arg, int is_second)
{
	add(line, ",\"slot\":%u,\"flags\":%u", half(arg, 0), half(arg, 4));
	add_word(line, "gpa", word(arg, 8));
	add_word(line, "size", word(arg, 16));
	add_word(line, "hva", word(arg, 24));
	if (is_second) {
		add_word(line, "gmem_off", word(arg, 32));
		add(line, ",\"gmem_fd\":%d", (int)half(arg, 40));
	}
}

static void add_cpuid(struct line *line, const char *entries, uint32_t count)
{
	const char *comma = "";
	uint32_t number;

	add(line, ",\"cpuid\":[");
	for (number = 0; number < count && number < 256; number++) {
		const char *entry = entries + 40 * number;

		/* The width of guest addresses is all that a spec knows of CPUID. */
		if (half(entry, 0) != 0x80000008)
			continue;
		add(line, "%s[\"0x%x\",%u,%u,\"0x%x\"]", comma, half(entry, 0), half(entry, 4),
		    half(entry, 8), half(entry, 12));
		comma = ",";
	}
	add(line, "]");
}

static void add_tdx(struct line *line, const void *arg)
{
	static const char *const names[] = {
		"CAPABILITIES", "INIT_VM", "INIT_VCPU", "INIT_MEM_REGION", "FINALIZE_VM", "GET_CPUID",
	};
	uint32_t id = half(arg, 0);
	const char *data = (const char *)(uintptr_t)word(arg, 8);

	add(line, ",\"id\":%u,\"flags\":%u", id, half(arg, 4));
	if (id < 6)
		add(line, ",\"tdx\":\"%s\"", names[id]);
	add_word(line, "data", word(arg, 8));
	add_word(line, "hw_error", word(arg, 16));
	if (id == 1 && data) {
		add_word(line, "attributes", word(data, 0));
		add_word(line, "xfam", word(data, 8));
		add_cpuid(line, data + 0x100 + 8, half(data, 0x100));
	} else if (id == 3 && data) {
		add_word(line, "source_addr", word(data, 0));
		add_word(line, "gpa", word(data, 8));
		add_word(line, "nr_pages", word(data, 16));
	} else if ((id == 0 || id == 5) && data) {
		add(line, ",\"nent\":%u", half(data, id ? 0 : 0x800));
	}
}

static void add_arguments(struct line *line, unsigned long request, const void *arg)
{
	const char *name = "?";

	switch (request) {
	case 0xae01: name = "KVM_CREATE_VM"; break;
	case 0xae03: name = "KVM_CHECK_EXTENSION"; break;
	case 0xae41: name = "KVM_CREATE_VCPU"; break;
	case 0xae80: name = "KVM_RUN"; break;
	case 0x4020ae46: name = "KVM_SET_USER_MEMORY_REGION"; break;
	case 0x40a0ae49: name = "KVM_SET_USER_MEMORY_REGION2"; break;
	case 0xc040aed4: name = "KVM_CREATE_GUEST_MEMFD"; break;
	case 0x4020aed2: name = "KVM_SET_MEMORY_ATTRIBUTES"; break;
	case 0xc040aed5: name = "KVM_PRE_FAULT_MEMORY"; break;
	case 0x4068aea3: name = "KVM_ENABLE_CAP"; break;
	case 0xc008aeba: name = "KVM_MEMORY_ENCRYPT_OP"; break;
	}
	add(line, ",\"ioctl\":\"%s\",\"nr\":\"0x%lx\"", name, request & 0xffffffff);
	switch (request) {
	case 0xae01: case 0xae03: case 0xae41:
		add(line, ",\"arg\":%lu", (unsigned long)arg);
		return;
	}
	if (!arg)
		return;
	switch (request) {
	case 0x4020ae46: add_region(line, arg, 0); return;
	case 0x40a0ae49: add_region(line, arg, 1); return;
	case 0xc040aed4:
		add_word(line, "size", word(arg, 0));
		add_word(line, "flags", word(arg, 8));
		return;
	case 0x4020aed2:
		add_word(line, "gpa", word(arg, 0));
		add_word(line, "size", word(arg, 8));
		add_word(line, "attributes", word(arg, 16));
		add_word(line, "flags", word(arg, 24));
		return;
	case 0xc040aed5:
		add_word(line, "gpa", word(arg, 0));
		add_word(line, "size", word(arg, 8));
		add_word(line, "flags", word(arg, 16));
		return;
	case 0x4068aea3:
		add(line, ",\"cap\":%u,\"flags\":%u,\"args\":[\"0x%llx\",\"0x%llx\"]", half(arg, 0),
		    half(arg, 4), (unsigned long long)word(arg, 8), (unsigned long long)word(arg, 16));
		return;
	case 0xc008aeba: add_tdx(line, arg); return;
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	char name[256];
	struct line line;
	const char *obj;
	va_list list;
	void *arg;
	int ret;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	obj = trace_fd < 0 || (request >> 8 & 0xff) != 0xae ? "" : kind(fd, name, sizeof(name));
	if (*obj) {
		start(&line, fd, obj);
		add_arguments(&line, request & 0xffffffff, arg);
	}
	ret = NEXT(ioctl)(fd, request, arg);
	if (*obj)
		finish(&line, ret);
	return ret;
}

int close(int fd)
{
	char name[256];
	struct line line;
	const char *obj = trace_fd < 0 ? "" : kind(fd, name, sizeof(name));
	int ret;

	if (*obj) {
		start(&line, fd, obj);
		add(&line, ",\"call\":\"close\"");
	}
	ret = NEXT(close)(fd);
	if (*obj)
		finish(&line, ret);
	return ret;
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	char name[256];
	struct line line;
	const char *obj = trace_fd < 0 ? "" : kind(fd, name, sizeof(name));
	int ret;

	if (*obj) {
		start(&line, fd, obj);
		add(&line, ",\"call\":\"fallocate\",\"mode\":%d", mode);
		add_word(&line, "off", offset);
		add_word(&line, "len", length);
	}
	ret = NEXT(fallocate)(fd, mode, offset, length);
	if (*obj)
		finish(&line, ret);
	return ret;
}

/* Where memfds are mapped, so that their ends can be told from other ones. */
static void *mapped[256];

static int is_mapped(void *address, int forget)
{
	int number;

	for (number = 0; number < 256; number++) {
		if (!address || mapped[number] != address)
			continue;
		if (forget)
			mapped[number] = NULL;
		return 1;
	}
	return 0;
}

static void remember(void *address)
{
	int number;

	for (number = 0; number < 256; number++) {
		if (!mapped[number]) {
			mapped[number] = address;
			return;
		}
	}
}

int munmap(void *address, size_t length)
{
	struct line line;
	int ret, known = trace_fd >= 0 && is_mapped(address, 1);

	if (known) {
		start(&line, -1, "gmem");
		add(&line, ",\"call\":\"munmap\"");
		add_word(&line, "addr", (uintptr_t)address);
		add_word(&line, "len", length);
	}
	ret = syscall(SYS_munmap, address, length);
	if (known)
		finish(&line, ret);
	return ret;
}

void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	char name[256];
	struct line line;
	const char *obj = trace_fd < 0 || fd < 0 ? "" : kind(fd, name, sizeof(name));
	void *ret;

	if (*obj) {
		start(&line, fd, obj);
		add(&line, ",\"call\":\"mmap\",\"prot\":%d,\"flags\":%d", prot, flags);
		add_word(&line, "len", length);
		add_word(&line, "off", offset);
	}
	ret = (void *)syscall(SYS_mmap, address, length, prot, flags, fd, offset);
	if (*obj)
		finish(&line, (long)ret);
	if (!strcmp(obj, "gmem") && ret != MAP_FAILED)
		remember(ret);
	return ret;
}
