import ConformanceKit

/// The calls that there are, each with the arguments it takes besides `on`, `by` and `new`.
enum CallWords {
  private static let region: Set<String> = ["slot", "flags", "gpa", "size", "hva"]
  private static let command: Set<String> = ["flags", "data", "hw_error"]
  private static let range: Set<String> = ["offset", "len"]

  private static let arguments: [String: Set<String>] = [
    "KVM_CREATE_VM": ["type"], "KVM_CHECK_EXTENSION": ["cap"],
    "KVM_ENABLE_CAP": ["cap", "flags", "args"], "KVM_CREATE_IRQCHIP": [],
    "KVM_SET_TSC_KHZ": ["khz"], "KVM_GET_DIRTY_LOG": ["slot"], "KVM_CREATE_VCPU": ["id"],
    "KVM_CREATE_GUEST_MEMFD": ["size", "flags"], "KVM_SET_USER_MEMORY_REGION": region,
    "KVM_SET_USER_MEMORY_REGION2": region.union(["gmem", "gmem_offset"]),
    "KVM_SET_MEMORY_ATTRIBUTES": ["gpa", "size", "attributes", "flags"],
    "KVM_PRE_FAULT_MEMORY": ["gpa", "size", "flags"], "KVM_RUN": [],
    "KVM_SET_CPUID2": ["x2apic", "gpaw"], "KVM_SET_MP_STATE": ["mp_state"],
    "KVM_MEMORY_ENCRYPT_OP": command.union(["id"]),
    "KVM_TDX_CAPABILITIES": command.union(["nent"]),
    "KVM_TDX_INIT_VM": command.union(["attributes", "xfam", "gpaw"]),
    "KVM_TDX_INIT_VCPU": command, "KVM_TDX_FINALIZE_VM": command,
    "KVM_TDX_INIT_MEM_REGION": command.union(["gpa", "nr_pages", "source"]),
    "KVM_TDX_GET_CPUID": command.union(["nent"]),
    "close": [], "munmap": [], "fstat": [], "exit": [],
    "fallocate": range.union(["mode"]), "ftruncate": ["size"], "pread": ["offset"],
    "pwrite": ["offset"], "mmap": range.union(["prot", "flags"]),
    "touch": ["offset", "write", "value"], "set_hypercall_ret": ["ret"],
    "standin_fail": ["leaf", "count", "status"], "standin_script": ["exit"],
    "standin_delay": ["leaf", "count", "microseconds"],
  ]

  private static let common: Set<String> = ["on", "by", "new"]

  /// Refuses calls and arguments that are not known: a test that makes them expects what would not
  /// be tested.
  static func check(_ call: Call) throws(BackendError) {
    let known = arguments[call.name] ?? (TestProcess.isStateCall(call.name) ? [] : nil)
    guard let known else {
      throw BackendError(.unknownCall, "there is no call '\(call.name)'")
    }
    let given = call.arguments.keys.sorted()
    if let other = given.first(where: { !known.contains($0) && !common.contains($0) }) {
      throw BackendError(.unknownCall, "\(call.name) has no argument '\(other)'")
    }
    if let by = call.arguments["by"], by != "child" {
      throw BackendError(.unknownCall, "\(call.name): by is \(by), and can only be \"child\"")
    }
  }
}
