import SpecLanguage
import TDXModuleSpecs

/// The scopes, and the calls that their threads make.
extension TDXVM {
  /// The calls that build, run and destroy a TD.
  private static let coreCalls = [
    "KVM_CREATE_VM", "KVM_ENABLE_CAP", "KVM_TDX_INIT_VM", "KVM_CREATE_VCPU", "KVM_SET_CPUID2",
    "KVM_TDX_INIT_VCPU", "KVM_TDX_FINALIZE_VM", "KVM_CREATE_GUEST_MEMFD",
    "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_MEMORY_ATTRIBUTES", "KVM_TDX_INIT_MEM_REGION",
    "KVM_PRE_FAULT_MEMORY", "KVM_RUN", "fallocate", "close(vm)", "close(vcpu)", "close(gmem)",
  ]

  private static let creationCalls = [
    "KVM_CREATE_VM", "KVM_ENABLE_CAP", "KVM_TDX_INIT_VM", "KVM_CREATE_VCPU", "KVM_SET_CPUID2",
    "KVM_TDX_INIT_VCPU", "close(vm)", "close(vcpu)",
  ]
  private static let buildCalls = [
    "KVM_CREATE_VM", "KVM_ENABLE_CAP", "KVM_TDX_INIT_VM", "KVM_CREATE_VCPU", "KVM_SET_CPUID2",
    "KVM_TDX_INIT_VCPU", "KVM_TDX_FINALIZE_VM", "KVM_CREATE_GUEST_MEMFD",
    "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_MEMORY_ATTRIBUTES", "KVM_TDX_INIT_MEM_REGION",
  ]
  private static let finishingCalls = [
    "KVM_TDX_INIT_VCPU", "KVM_TDX_INIT_MEM_REGION", "KVM_TDX_FINALIZE_VM",
  ]
  private static let runningCalls = ["KVM_PRE_FAULT_MEMORY", "KVM_RUN"]
  private static let closingCalls = [
    "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_MEMORY_ATTRIBUTES", "fallocate", "close(vm)",
    "close(vcpu)", "close(gmem)",
  ]

  @ListBuilder<Scope>
  public var scopes: [Scope] {
    oneThread
    everyArgument
    twoThreads
    surroundings
    replay
  }

  @ListBuilder<Scope>
  private var oneThread: [Scope] {
    Scope(
      "small", "one of each, one thread, the module never fails", [:],
      parts: [ThreadPart("vmm", calls: Self.coreCalls)])
    Scope(
      "creation", "a TD with vCPUs that come and go, limits of the process", ["ENVIRONMENT": 1],
      parts: [ThreadPart("vmm", calls: Self.creationCalls)])
    Scope(
      "creation-faults", "the same, one SEAMCALL may fail", ["FAULTS": 1],
      parts: [ThreadPart("vmm", calls: Self.creationCalls)])
    Scope(
      "build-faults", "a TD is built, one SEAMCALL may fail", ["FAULTS": 1],
      parts: [ThreadPart("vmm", calls: Self.buildCalls)])
    Scope(
      "region-size", "a TD is built by one thread that gets sizes wrong, in 7.4",
      ["BUILT": 1, "ARGUMENTS": 1, "QUEUED": 1],
      parts: [ThreadPart("builder", calls: Self.finishingCalls)])
    Scope(
      "obsolete-root", "one thread faults pages in while the root becomes obsolete",
      ["BUILT": 2, "ROOTS": 1],
      parts: [ThreadPart("prefaulter", calls: ["KVM_PRE_FAULT_MEMORY"])])
    Scope(
      "pins", "pages come and go, one SEAMCALL may fail, pages hold their folios",
      ["BUILT": 2, "FAULTS": 1, "PINS": 1],
      parts: [ThreadPart("vmm", calls: ["KVM_PRE_FAULT_MEMORY", "fallocate", "close(gmem)"])])
    Scope(
      "faults", "a TD runs and is destroyed, one SEAMCALL may fail", ["FAULTS": 1, "BUILT": 2],
      parts: [ThreadPart("vmm", calls: Self.runningCalls + Self.closingCalls)])
  }

  @ListBuilder<Scope>
  private var everyArgument: [Scope] {
    Scope(
      "arguments", "every class of arguments while a TD is created", ["ARGUMENTS": 1],
      parts: [ThreadPart("vmm", calls: Self.creationCalls + ["KVM_TDX_FINALIZE_VM"])])
    Scope(
      "arguments-build", "every class of arguments while a TD is built",
      ["ARGUMENTS": 1, "BUILT": 1],
      parts: [
        ThreadPart(
          "vmm", calls: Self.finishingCalls + ["KVM_SET_CPUID2", "KVM_TDX_GET_CPUID", "fallocate"])
      ])
    Scope(
      "arguments-run", "every class of arguments while a TD runs and is destroyed",
      ["ARGUMENTS": 1, "BUILT": 2],
      parts: [ThreadPart("vmm", calls: Self.runningCalls + Self.closingCalls)])
    Scope(
      "environment", "a TD runs, its guest exits for any reason, its memfd is mapped",
      ["ENVIRONMENT": 1, "BUILT": 2],
      parts: [
        ThreadPart(
          "vmm",
          calls: Self.runningCalls + Self.closingCalls + [
            "KVM_ENABLE_CAP", "KVM_SET_MP_STATE", "mmap", "munmap", "file call",
          ])
      ])
    Scope(
      "types", "VMs that are TDs and VMs that are not", ["TYPES": 1],
      parts: [ThreadPart("vmm", calls: Self.coreCalls)])
  }

  @ListBuilder<Scope>
  private var twoThreads: [Scope] {
    Scope(
      "parallel", "two threads make any calls: for tests, too large to be decided",
      ["threads": 2], parts: [ThreadPart("vmm", threads: 2, calls: Self.coreCalls)])
    Scope(
      "build", "a TD that has vCPUs is built by one thread", ["BUILT": 1],
      parts: [ThreadPart("builder", calls: Self.finishingCalls + ["fallocate"])])
    Scope(
      "build-build", "two threads build a TD and take memory away", ["threads": 2, "BUILT": 1],
      parts: [ThreadPart("builder", threads: 2, calls: Self.finishingCalls + ["fallocate"])])
    Scope(
      "build-remove", "one thread builds a TD while another takes memory away",
      ["threads": 2, "BUILT": 1],
      parts: [
        ThreadPart("builder", calls: Self.finishingCalls),
        ThreadPart("remover", calls: ["fallocate", "KVM_SET_MEMORY_ATTRIBUTES", "close(gmem)"]),
      ])
    Scope(
      "init-remove", "vCPUs are initialised while another thread takes memory away",
      ["threads": 2, "vcpus": 2, "BUILT": 1],
      parts: [
        ThreadPart("builder", calls: Self.finishingCalls),
        ThreadPart("remover", calls: ["fallocate"]),
      ])
    Scope(
      "run-close", "one thread runs a TD, another closes what it uses",
      ["threads": 2, "BUILT": 2],
      parts: [
        ThreadPart("runner", calls: Self.runningCalls + ["close(gmem)"]),
        ThreadPart("closer", calls: Self.closingCalls),
      ])
    Scope(
      "two-vcpus", "two threads run vCPUs and fault on the same page",
      ["threads": 2, "vcpus": 2, "BUILT": 2],
      parts: [ThreadPart("runner", threads: 2, calls: Self.runningCalls + ["fallocate"])])
  }

  @ListBuilder<Scope>
  private var surroundings: [Scope] {
    Scope(
      "no-memory", "allocations fail while a TD is created", ["ALLOCATIONS": 1],
      parts: [ThreadPart("vmm", calls: Self.creationCalls)])
    Scope(
      "no-memory-built", "allocations fail while a TD is built and fed",
      ["ALLOCATIONS": 1, "BUILT": 1],
      parts: [
        ThreadPart(
          "vmm",
          calls: Self.finishingCalls + Self.closingCalls + ["KVM_PRE_FAULT_MEMORY"])
      ])
    Scope(
      "signals", "two threads, signals interrupt what waits",
      ["SIGNALS": 1, "BUILT": 1, "threads": 2],
      parts: [
        ThreadPart("builder", calls: Self.finishingCalls),
        ThreadPart("runner", calls: Self.runningCalls + ["KVM_SET_CPUID2"]),
      ])
    Scope(
      "exit", "a process with a child ends while its TD runs",
      ["PROCESSES": 1, "BUILT": 2, "threads": 2],
      parts: [
        ThreadPart(
          "process", calls: ["KVM_RUN", "KVM_PRE_FAULT_MEMORY", "fork", "exit", "close(gmem)"]),
        ThreadPart("child", calls: ["fallocate(child)", "exit(child)"]),
      ])
    Scope(
      "migration", "vCPU threads move between CPUs, which go offline, one thread",
      ["HOTPLUG": 1],
      parts: [ThreadPart("vmm", calls: Self.creationCalls + ["CPU goes offline"])])
    Scope(
      "hotplug", "a CPU goes offline while a TD is built",
      ["HOTPLUG": 1, "BUILT": 1, "threads": 2],
      parts: [
        ThreadPart(
          "builder",
          calls: Self.finishingCalls + ["close(vm)", "close(vcpu)", "close(gmem)"]),
        ThreadPart("administrator", calls: ["CPU goes offline"]),
      ])
    Scope(
      "hotplug-run", "CPUs go offline while a TD runs", ["HOTPLUG": 1, "BUILT": 2, "threads": 2],
      parts: [
        ThreadPart(
          "runner", calls: Self.runningCalls + ["close(vm)", "close(vcpu)", "close(gmem)"]),
        ThreadPart("administrator", calls: ["CPU goes offline"]),
      ])
  }

  /// Not to be explored: as large as recordings need.
  private var replay: Scope {
    Scope(
      "replay", "recorded calls",
      [
        "vcpus": 8, "pages": 62, "tables": 248, "slots": 12, "files": 8, "indices": 62,
        "shifts": 123, "bias": 61, "FAULTS": 1, "cpus": 2, "ENVIRONMENT": 1, "TYPES": 1,
        "ARGUMENTS": 1, "STANDIN": 1,
      ])
  }
}
