// The user-space interface of KVM as far as tests call it, and what Swift cannot do itself:
// variadic calls, forks, timers for one thread.
//
// Sizes, offsets and numbers are those of the kernel's user-space interface. They stand here
// because the headers of a distribution are older than the kernels under test. layout.c compares
// them with the headers where those know them. Sources: kvm-tdx §2, guest-memfd §1.4.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define CKVM_TYPE 0xAE

struct ckvm_memory_region {
  uint32_t slot, flags;
  uint64_t guest_phys_addr, memory_size, userspace_addr;
};

struct ckvm_memory_region2 {
  uint32_t slot, flags;
  uint64_t guest_phys_addr, memory_size, userspace_addr, guest_memfd_offset;
  uint32_t guest_memfd, pad1;
  uint64_t pad2[14];
};

struct ckvm_dirty_log {
  uint32_t slot, padding;
  uint64_t dirty_bitmap;
};

struct ckvm_enable_cap {
  uint32_t cap, flags;
  uint64_t args[4];
  uint8_t pad[64];
};

struct ckvm_create_guest_memfd {
  uint64_t size, flags, reserved[6];
};

struct ckvm_memory_attributes {
  uint64_t address, size, attributes, flags;
};

struct ckvm_pre_fault_memory {
  uint64_t gpa, size, flags, padding[5];
};

struct ckvm_cpuid_entry {
  uint32_t function, index, flags, eax, ebx, ecx, edx, padding[3];
};

/// The head of a list of CPUID entries, which follow it.
struct ckvm_cpuid {
  uint32_t nent, padding;
};

struct ckvm_tdx_cmd {
  uint32_t id, flags;
  uint64_t data, hw_error;
};

/// Its list of CPUID entries follows it.
struct ckvm_tdx_capabilities {
  uint64_t supported_attrs, supported_xfam, tdvmcallinfo[4], reserved[250];
  struct ckvm_cpuid cpuid;
};

/// Its list of CPUID entries follows it.
struct ckvm_tdx_init_vm {
  uint64_t attributes, xfam, mrconfigid[6], mrowner[6], mrownerconfig[6], reserved[12];
  struct ckvm_cpuid cpuid;
};

struct ckvm_tdx_init_mem_region {
  uint64_t source_addr, gpa, nr_pages;
};

/// The start of `struct kvm_run`; the union of the reasons begins at byte 32.
struct ckvm_run {
  uint8_t request_interrupt_window, immediate_exit, padding1[6];
  uint32_t exit_reason;
  uint8_t ready_for_interrupt_injection, if_flag;
  uint16_t flags;
  uint64_t cr8, apic_base;
  union {
    struct {
      uint64_t flags, gpa, size;
    } memory_fault;
    struct {
      uint64_t nr, args[6], ret, flags;
    } hypercall;
    struct {
      uint64_t phys_addr;
      uint8_t data[8];
      uint32_t len;
      uint8_t is_write;
    } mmio;
    struct {
      uint32_t type, ndata;
      uint64_t data[16];
    } system_event;
    uint8_t padding[256];
  };
};

_Static_assert(sizeof(struct ckvm_memory_region) == 32, "size");
_Static_assert(sizeof(struct ckvm_memory_region2) == 160, "size");
_Static_assert(offsetof(struct ckvm_memory_region2, guest_memfd_offset) == 32, "offset");
_Static_assert(offsetof(struct ckvm_memory_region2, guest_memfd) == 40, "offset");
_Static_assert(sizeof(struct ckvm_dirty_log) == 16, "size");
_Static_assert(sizeof(struct ckvm_enable_cap) == 104, "size");
_Static_assert(offsetof(struct ckvm_enable_cap, args) == 8, "offset");
_Static_assert(sizeof(struct ckvm_create_guest_memfd) == 64, "size");
_Static_assert(sizeof(struct ckvm_memory_attributes) == 32, "size");
_Static_assert(sizeof(struct ckvm_pre_fault_memory) == 64, "size");
_Static_assert(sizeof(struct ckvm_cpuid_entry) == 40, "size");
_Static_assert(sizeof(struct ckvm_cpuid) == 8, "size");
_Static_assert(sizeof(struct ckvm_tdx_cmd) == 24, "size");
_Static_assert(offsetof(struct ckvm_tdx_cmd, hw_error) == 16, "offset");
_Static_assert(offsetof(struct ckvm_tdx_capabilities, cpuid) == 2048, "offset");
_Static_assert(offsetof(struct ckvm_tdx_init_vm, cpuid) == 256, "offset");
_Static_assert(sizeof(struct ckvm_tdx_init_mem_region) == 24, "size");
_Static_assert(offsetof(struct ckvm_run, exit_reason) == 8, "offset");
_Static_assert(offsetof(struct ckvm_run, memory_fault) == 32, "offset");
_Static_assert(offsetof(struct ckvm_run, hypercall.ret) == 88, "offset");

// The sizes of structures of which only zeroes or nothing is looked at.
struct ckvm_regs { uint8_t bytes[144]; };
struct ckvm_sregs { uint8_t bytes[312]; };
struct ckvm_fpu { uint8_t bytes[416]; };
struct ckvm_lapic { uint8_t bytes[1024]; };
struct ckvm_xsave { uint8_t bytes[4096]; };
struct ckvm_xcrs { uint8_t bytes[392]; };
struct ckvm_debugregs { uint8_t bytes[128]; };
struct ckvm_vcpu_events { uint8_t bytes[64]; };
struct ckvm_mp_state { uint32_t mp_state; };

static const uint64_t CKVM_CREATE_VM = _IO(CKVM_TYPE, 0x01);
static const uint64_t CKVM_CHECK_EXTENSION = _IO(CKVM_TYPE, 0x03);
static const uint64_t CKVM_GET_VCPU_MMAP_SIZE = _IO(CKVM_TYPE, 0x04);
static const uint64_t CKVM_GET_SUPPORTED_CPUID = _IOWR(CKVM_TYPE, 0x05, struct ckvm_cpuid);
static const uint64_t CKVM_CREATE_VCPU = _IO(CKVM_TYPE, 0x41);
static const uint64_t CKVM_GET_DIRTY_LOG = _IOW(CKVM_TYPE, 0x42, struct ckvm_dirty_log);
static const uint64_t CKVM_SET_USER_MEMORY_REGION =
    _IOW(CKVM_TYPE, 0x46, struct ckvm_memory_region);
static const uint64_t CKVM_SET_USER_MEMORY_REGION2 =
    _IOW(CKVM_TYPE, 0x49, struct ckvm_memory_region2);
static const uint64_t CKVM_CREATE_IRQCHIP = _IO(CKVM_TYPE, 0x60);
static const uint64_t CKVM_RUN = _IO(CKVM_TYPE, 0x80);
static const uint64_t CKVM_GET_REGS = _IOR(CKVM_TYPE, 0x81, struct ckvm_regs);
static const uint64_t CKVM_SET_REGS = _IOW(CKVM_TYPE, 0x82, struct ckvm_regs);
static const uint64_t CKVM_GET_SREGS = _IOR(CKVM_TYPE, 0x83, struct ckvm_sregs);
static const uint64_t CKVM_SET_SREGS = _IOW(CKVM_TYPE, 0x84, struct ckvm_sregs);
static const uint64_t CKVM_GET_FPU = _IOR(CKVM_TYPE, 0x8c, struct ckvm_fpu);
static const uint64_t CKVM_GET_LAPIC = _IOR(CKVM_TYPE, 0x8e, struct ckvm_lapic);
static const uint64_t CKVM_SET_LAPIC = _IOW(CKVM_TYPE, 0x8f, struct ckvm_lapic);
static const uint64_t CKVM_SET_CPUID2 = _IOW(CKVM_TYPE, 0x90, struct ckvm_cpuid);
static const uint64_t CKVM_GET_MP_STATE = _IOR(CKVM_TYPE, 0x98, struct ckvm_mp_state);
static const uint64_t CKVM_SET_MP_STATE = _IOW(CKVM_TYPE, 0x99, struct ckvm_mp_state);
static const uint64_t CKVM_NMI = _IO(CKVM_TYPE, 0x9a);
static const uint64_t CKVM_GET_VCPU_EVENTS = _IOR(CKVM_TYPE, 0x9f, struct ckvm_vcpu_events);
static const uint64_t CKVM_GET_DEBUGREGS = _IOR(CKVM_TYPE, 0xa1, struct ckvm_debugregs);
static const uint64_t CKVM_SET_TSC_KHZ = _IO(CKVM_TYPE, 0xa2);
static const uint64_t CKVM_ENABLE_CAP = _IOW(CKVM_TYPE, 0xa3, struct ckvm_enable_cap);
static const uint64_t CKVM_GET_XSAVE = _IOR(CKVM_TYPE, 0xa4, struct ckvm_xsave);
static const uint64_t CKVM_GET_XCRS = _IOR(CKVM_TYPE, 0xa6, struct ckvm_xcrs);
static const uint64_t CKVM_SMI = _IO(CKVM_TYPE, 0xb7);
static const uint64_t CKVM_MEMORY_ENCRYPT_OP = _IOWR(CKVM_TYPE, 0xba, unsigned long);
static const uint64_t CKVM_SET_MEMORY_ATTRIBUTES =
    _IOW(CKVM_TYPE, 0xd2, struct ckvm_memory_attributes);
static const uint64_t CKVM_CREATE_GUEST_MEMFD =
    _IOWR(CKVM_TYPE, 0xd4, struct ckvm_create_guest_memfd);
static const uint64_t CKVM_PRE_FAULT_MEMORY =
    _IOWR(CKVM_TYPE, 0xd5, struct ckvm_pre_fault_memory);

/// ioctl(2): its value, or the negative errno.
int64_t ckvm_ioctl(int32_t fd, uint64_t request, uint64_t argument);

/// KVM_RUN, interrupted by a signal to this thread after so many milliseconds.
int64_t ckvm_run_for(int32_t fd, uint32_t milliseconds);

/// Reads or writes one byte in a child. The byte read (0 for a write), 256 plus the signal that
/// ended the child, or the negative errno.
int32_t ckvm_touch(uint64_t address, int32_t is_write, uint8_t value);

/// fallocate(2): 0, or the negative errno.
int64_t ckvm_fallocate(int32_t fd, int32_t mode, int64_t offset, int64_t length);

/// fork(2), or the negative errno; Swift has no name for it. The caller has one thread.
int32_t ckvm_fork(void);

/// Waits until the child has ended: its status as of waitpid(2), -1 if it still runs after so many
/// milliseconds, -2 if there is no such child.
int32_t ckvm_wait(int32_t pid, int32_t milliseconds);

/// Has this process ended when its parent ends.
void ckvm_end_with_parent(void);

/// Keeps this thread on one CPU; 0, or the negative errno.
int32_t ckvm_pin(int32_t cpu);

/// Monotonic nanoseconds.
uint64_t ckvm_now(void);

/// Ends this process at once, without flushing or destroying anything.
__attribute__((noreturn)) void ckvm_leave(int32_t status);

/// Makes a terminal pass on bytes as they are, at its highest speed; 0, or the negative errno.
int32_t ckvm_make_raw(int32_t fd);

/// Turns the machine off; comes back only when that fails.
void ckvm_power_off(void);
