/// Numbers of the kernel's ABI that traces have instead of names (Linux, include/uapi/linux/kvm.h).
enum KVMNumbers {
  /// ioctls that a spec has, and those that tell what a descriptor is.
  static let ioctls: [UInt64: String] = [
    0xae00: "KVM_GET_API_VERSION", 0xae01: "KVM_CREATE_VM", 0xae03: "KVM_CHECK_EXTENSION",
    0xae04: "KVM_GET_VCPU_MMAP_SIZE", 0xae41: "KVM_CREATE_VCPU",
    0x4020_ae46: "KVM_SET_USER_MEMORY_REGION", 0x40a0_ae49: "KVM_SET_USER_MEMORY_REGION2",
    0xc040_aed4: "KVM_CREATE_GUEST_MEMFD", 0x4020_aed2: "KVM_SET_MEMORY_ATTRIBUTES",
    0xc040_aed5: "KVM_PRE_FAULT_MEMORY", 0xc008_aeba: "KVM_MEMORY_ENCRYPT_OP",
    0x4068_aea3: "KVM_ENABLE_CAP", 0xae60: "KVM_CREATE_IRQCHIP", 0xaea2: "KVM_SET_TSC_KHZ",
    0x4010_ae42: "KVM_GET_DIRTY_LOG", 0xae80: "KVM_RUN", 0x4008_ae90: "KVM_SET_CPUID2",
    0x8090_ae81: "KVM_GET_REGS", 0x4090_ae82: "KVM_SET_REGS", 0x8138_ae83: "KVM_GET_SREGS",
    0x4138_ae84: "KVM_SET_SREGS", 0x81a0_ae8c: "KVM_GET_FPU", 0x8400_ae8e: "KVM_GET_LAPIC",
    0x4400_ae8f: "KVM_SET_LAPIC", 0x9000_aea4: "KVM_GET_XSAVE", 0x8188_aea6: "KVM_GET_XCRS",
    0x8080_aea1: "KVM_GET_DEBUGREGS", 0x8040_ae9f: "KVM_GET_VCPU_EVENTS",
    0x8004_ae98: "KVM_GET_MP_STATE", 0x4004_ae99: "KVM_SET_MP_STATE", 0xaeb7: "KVM_SMI",
    0xae9a: "KVM_NMI",
  ]

  private static let caps: [UInt64: String] = [
    66: "KVM_CAP_MAX_VCPUS", 81: "KVM_CAP_READONLY_MEM", 118: "KVM_CAP_MULTI_ADDRESS_SPACE",
    121: "KVM_CAP_SPLIT_IRQCHIP", 128: "KVM_CAP_MAX_VCPU_ID", 201: "KVM_CAP_EXIT_HYPERCALL",
    231: "KVM_CAP_USER_MEMORY2", 233: "KVM_CAP_MEMORY_ATTRIBUTES", 234: "KVM_CAP_GUEST_MEMFD",
    235: "KVM_CAP_VM_TYPES", 236: "KVM_CAP_PRE_FAULT_MEMORY",
    237: "KVM_CAP_X86_APIC_BUS_CYCLES_NS", 244: "KVM_CAP_GUEST_MEMFD_FLAGS",
  ]

  /// The name of a capability: of its number, if a spec has it.
  static func cap(_ number: UInt64) -> String { caps[number] ?? "capability \(number)" }

  /// Flags and types by their names, as decoded traces have them.
  static let constants: [String: UInt64] = [
    "KVM_X86_DEFAULT_VM": 0, "KVM_X86_SW_PROTECTED_VM": 1, "KVM_X86_TDX_VM": 5,
    "KVM_MEM_LOG_DIRTY_PAGES": 1, "KVM_MEM_READONLY": 2, "KVM_MEM_GUEST_MEMFD": 4,
    "KVM_MEMORY_ATTRIBUTE_PRIVATE": 8, "GUEST_MEMFD_FLAG_MMAP": 1,
    "GUEST_MEMFD_FLAG_INIT_SHARED": 2, "FALLOC_FL_KEEP_SIZE": 1, "FALLOC_FL_PUNCH_HOLE": 2,
    "FALLOC_FL_COLLAPSE_RANGE": 8, "FALLOC_FL_ZERO_RANGE": 16, "FALLOC_FL_INSERT_RANGE": 32,
    "PROT_NONE": 0, "PROT_READ": 1, "PROT_WRITE": 2, "PROT_EXEC": 4, "MAP_SHARED": 1,
    "MAP_PRIVATE": 2, "MAP_SHARED_VALIDATE": 3, "NULL": 0, "CLONE_VM": 0x100, "CLONE_FILES": 0x400,
    "O_CLOEXEC": 0x80000, "F_DUPFD": 0, "F_DUPFD_CLOEXEC": 1030, "AT_FDCWD": UInt64.max - 99,
    "_IOC_NONE": 0, "_IOC_WRITE": 1, "_IOC_READ": 2,
  ]

  /// The names of errno values that a recording in numbers has (x86-64).
  private static let errnos: [Int: String] = [
    1: "EPERM", 2: "ENOENT", 4: "EINTR", 5: "EIO", 6: "ENXIO", 7: "E2BIG", 9: "EBADF",
    11: "EAGAIN", 12: "ENOMEM", 13: "EACCES", 14: "EFAULT", 16: "EBUSY", 17: "EEXIST",
    19: "ENODEV", 22: "EINVAL", 24: "EMFILE", 25: "ENOTTY", 27: "EFBIG", 28: "ENOSPC",
    29: "ESPIPE", 38: "ENOSYS", 95: "EOPNOTSUPP", 133: "EHWPOISON",
  ]

  static func errno(_ number: Int) -> String { errnos[number] ?? "errno \(number)" }

  /// System calls by their numbers of x86-64.
  static let systemCalls: [Int: String] = [
    3: "close", 5: "fstat", 9: "mmap", 11: "munmap", 16: "ioctl", 17: "pread64", 18: "pwrite64",
    32: "dup", 33: "dup2", 56: "clone", 57: "fork", 58: "vfork", 59: "execve", 72: "fcntl",
    77: "ftruncate", 231: "exit_group", 257: "openat", 262: "newfstatat", 285: "fallocate",
    292: "dup3", 435: "clone3", 436: "close_range",
  ]

  static let tdxCommands = [
    "KVM_TDX_CAPABILITIES", "KVM_TDX_INIT_VM", "KVM_TDX_INIT_VCPU", "KVM_TDX_INIT_MEM_REGION",
    "KVM_TDX_FINALIZE_VM", "KVM_TDX_GET_CPUID",
  ]
}
