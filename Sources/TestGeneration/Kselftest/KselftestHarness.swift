/// The parts of a generated selftest that are the same for every suite.
enum KselftestHarness {
  /// Includes and the kernel's ABI, under names of its own where older headers lack it (Linux,
  /// include/uapi/linux/kvm.h).
  static let head = #"""
    #define _GNU_SOURCE
    #include <errno.h>
    #include <fcntl.h>
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>
    #include <sys/ioctl.h>
    #include <sys/mman.h>
    #include <sys/stat.h>
    #include <sys/wait.h>
    #include <linux/falloc.h>
    #include <linux/kvm.h>

    struct st_gmem { __u64 size, flags, reserved[6]; };
    struct st_region {
    	__u32 slot, flags;
    	__u64 gpa, size, hva, gmem_offset;
    	__u32 gmem_fd, pad1;
    	__u64 pad2[14];
    };
    struct st_attributes { __u64 address, size, attributes, flags; };

    #define ST_CREATE_GUEST_MEMFD _IOWR(KVMIO, 0xd4, struct st_gmem)
    #define ST_SET_REGION2 _IOW(KVMIO, 0x49, struct st_region)
    #define ST_SET_ATTRIBUTES _IOW(KVMIO, 0xd2, struct st_attributes)
    #define ST_CAP_GUEST_MEMFD 234
    #define ST_CAP_GUEST_MEMFD_FLAGS 244
    #define ST_CAP_MEMORY_ATTRIBUTES 233

    _Static_assert(ST_CREATE_GUEST_MEMFD == 0xc040aed4, "KVM_CREATE_GUEST_MEMFD");
    _Static_assert(ST_SET_REGION2 == 0x40a0ae49, "KVM_SET_USER_MEMORY_REGION2");
    _Static_assert(ST_SET_ATTRIBUTES == 0x4020aed2, "KVM_SET_MEMORY_ATTRIBUTES");

    #if defined(__has_include)
    #if __has_include("kselftest.h")
    #include "kselftest.h"
    #define HAVE_KSELFTEST 1
    #endif
    #endif

    #ifndef HAVE_KSELFTEST
    static int ksft_number, ksft_failed;

    static void ksft_print_header(void) { printf("TAP version 13\n"); }
    static void ksft_set_plan(unsigned int plan) { printf("1..%u\n", plan); fflush(stdout); }
    static void ksft_result(int ok, const char *name, const char *skip)
    {
    	printf("%s %d %s", ok ? "ok" : "not ok", ++ksft_number, name);
    	printf(skip ? " # SKIP %s\n" : "\n", skip);
    	ksft_failed += !ok;
    	fflush(stdout);
    }
    #define KSFT_PASS(name) ksft_result(1, name, NULL)
    #define KSFT_FAIL(name) ksft_result(0, name, NULL)
    #define KSFT_SKIP_TEST(name, why) ksft_result(1, name, why)
    #define KSFT_SKIP_ALL(why) do { printf("1..0 # SKIP %s\n", why); exit(4); } while (0)
    #define KSFT_END() exit(ksft_failed ? 1 : 0)
    #else
    #define KSFT_PASS(name) ksft_test_result_pass("%s\n", name)
    #define KSFT_FAIL(name) ksft_test_result_fail("%s\n", name)
    #define KSFT_SKIP_TEST(name, why) ksft_test_result_skip("%s %s\n", name, why)
    #define KSFT_SKIP_ALL(why) ksft_exit_skip("%s\n", why)
    #define KSFT_END() ksft_finished()
    #endif

    """#

  /// What calls are made with: descriptors by handle, and the memory of the test.
  static let calls = #"""

    #define BUF_SIZE (8UL << 20)
    /* A descriptor that is not open: no test has so many. */
    #define NOT_OPEN(handle) (900 + (handle))
    #define SUCCESS (-100000)

    struct mapping { char *start; unsigned long length; };

    static int dev_kvm;
    static int fds[HANDLES];
    static struct mapping maps[HANDLES];
    static char *buf;

    static long answer(long ret) { return ret < 0 ? -errno : ret; }

    static int opened(int handle, long fd)
    {
    	if (fd < 0)
    		return -errno;
    	fds[handle] = fd;
    	return 0;
    }

    static long create_vm(int new, unsigned long type)
    {
    	return opened(new, ioctl(dev_kvm, KVM_CREATE_VM, type));
    }

    static long create_gmem(int on, int new, __u64 size, __u64 flags)
    {
    	struct st_gmem gmem = { .size = size, .flags = flags };

    	return opened(new, ioctl(fds[on], ST_CREATE_GUEST_MEMFD, &gmem));
    }

    static __u64 hva_in(int map, __u64 offset)
    {
    	return (__u64)(map >= 0 && maps[map].start ? maps[map].start : buf) + offset;
    }

    static long set_region(int on, __u32 slot, __u32 flags, __u64 gpa, __u64 size, __u64 hva,
    		       int gmem, __u64 gmem_offset)
    {
    	struct st_region region = {
    		.slot = slot, .flags = flags, .gpa = gpa, .size = size, .hva = hva,
    		.gmem_fd = gmem, .gmem_offset = gmem_offset,
    	};

    	return answer(ioctl(fds[on], ST_SET_REGION2, &region));
    }

    static long set_attributes(int on, __u64 gpa, __u64 size, __u64 attributes, __u64 flags)
    {
    	struct st_attributes set = { gpa, size, attributes, flags };

    	return answer(ioctl(fds[on], ST_SET_ATTRIBUTES, &set));
    }

    static long get_dirty_log(int on, __u32 slot)
    {
    	struct kvm_dirty_log log = { .slot = slot, .dirty_bitmap = buf };

    	return answer(ioctl(fds[on], KVM_GET_DIRTY_LOG, &log));
    }

    static long close_handle(int on)
    {
    	int fd = fds[on];

    	fds[on] = NOT_OPEN(on);
    	return answer(close(fd));
    }

    static long map_gmem(int on, int new, off_t offset, size_t length, int prot, int flags)
    {
    	char *start = mmap(NULL, length, prot, flags, fds[on], offset);

    	if (start == MAP_FAILED)
    		return -errno;
    	maps[new] = (struct mapping){ start, length };
    	return 0;
    }

    static long unmap(int on)
    {
    	char *start = maps[on].start;

    	maps[on].start = NULL;
    	return start ? answer(munmap(start, maps[on].length)) : 0;
    }

    /* The size, if it is the one that is expected. */
    static long size_is(int on, __u64 size)
    {
    	struct stat status;

    	if (fstat(fds[on], &status))
    		return -errno;
    	return (__u64)status.st_size == size ? 0 : -ERANGE;
    }

    static long one_byte(int on, off_t offset, int is_write)
    {
    	char byte = 0;

    	return answer(is_write ? pwrite(fds[on], &byte, 1, offset)
    			       : pread(fds[on], &byte, 1, offset));
    }

    /* Runs in a child: its exit says what came of it, as an errno or a byte that was read. */
    static int child_answer(pid_t child)
    {
    	int status;

    	if (child < 0 || waitpid(child, &status, 0) != child)
    		return -ECHILD;
    	return WIFSIGNALED(status) ? -1000 - WTERMSIG(status) : WEXITSTATUS(status);
    }

    #define BY_CHILD(call) ({ \
    	pid_t child_ = fork(); \
    	if (!child_) { \
    		long ret_ = (call); \
    		_exit(ret_ < 0 ? -ret_ : 0); \
    	} \
    	int ended_ = child_answer(child_); \
    	(long)(ended_ > 0 ? -ended_ : ended_); })

    /* One byte, by a child: -1000 and the signal, or whether it is what is expected. */
    static long touch(int on, unsigned long offset, int is_write, int value, int expected)
    {
    	pid_t child = fork();
    	long ended;

    	if (!child) {
    		volatile char *place = maps[on].start + offset;

    		if (is_write)
    			*place = value;
    		_exit(is_write ? 0 : (unsigned char)*place);
    	}
    	ended = child_answer(child);
    	if (ended < 0)
    		return ended;
    	return is_write || expected < 0 || ended == expected ? 0 : -ERANGE;
    }

    #define CHECK(call, expected) do { \
    	long got_ = (call); \
    	if ((expected) == SUCCESS ? got_ < 0 : got_ != (expected)) { \
    		printf("# line %d: %s answers %ld, expected %ld\n", __LINE__, #call, got_, \
    		       (long)(expected)); \
    		return 1; \
    	} \
    } while (0)

    """#

  /// Runs every test in a process of its own.
  static let tail = #"""

    static int in_child(const struct test *test)
    {
    	pid_t child;
    	int handle;

    	fflush(stdout);
    	child = fork();
    	if (child)
    		return child_answer(child);
    	for (handle = 0; handle < HANDLES; handle++)
    		fds[handle] = NOT_OPEN(handle);
    	buf = mmap(NULL, 2 * BUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    	if (buf == MAP_FAILED || munmap(buf + BUF_SIZE, BUF_SIZE))
    		_exit(2);
    	alarm(20);
    	handle = test->run();
    	fflush(stdout);
    	_exit(handle);
    }

    int main(void)
    {
    	const unsigned int count = sizeof(tests) / sizeof(tests[0]);
    	unsigned int number;

    	ksft_print_header();
    	dev_kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    	if (dev_kvm < 0)
    		KSFT_SKIP_ALL("/dev/kvm cannot be opened");
    	if (ioctl(dev_kvm, KVM_CHECK_EXTENSION, ST_CAP_GUEST_MEMFD) <= 0)
    		KSFT_SKIP_ALL("no KVM_CAP_GUEST_MEMFD");
    	if (ioctl(dev_kvm, KVM_CHECK_EXTENSION, ST_CAP_GUEST_MEMFD_FLAGS) != 3)
    		KSFT_SKIP_ALL("KVM_CAP_GUEST_MEMFD_FLAGS is not 3");
    	ksft_set_plan(count);
    	for (number = 0; number < count; number++) {
    		const struct test *test = &tests[number];

    		if (test->no_attributes &&
    		    ioctl(dev_kvm, KVM_CHECK_EXTENSION, ST_CAP_MEMORY_ATTRIBUTES) > 0)
    			KSFT_SKIP_TEST(test->name, "KVM_CAP_MEMORY_ATTRIBUTES is there");
    		else if (in_child(test))
    			KSFT_FAIL(test->name);
    		else
    			KSFT_PASS(test->name);
    	}
    	KSFT_END();
    }

    """#
}
