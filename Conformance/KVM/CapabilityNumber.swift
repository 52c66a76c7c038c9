import ConformanceKit

/// The numbers of KVM's capabilities that tests name (guest-memfd §1.2, kvm-tdx §2.1).
enum CapabilityNumber {
  static let all: [String: UInt32] = [
    "KVM_CAP_NR_MEMSLOTS": 10, "KVM_CAP_TSC_CONTROL": 60, "KVM_CAP_MAX_VCPUS": 66,
    "KVM_CAP_READONLY_MEM": 81, "KVM_CAP_DISABLE_QUIRKS": 116,
    "KVM_CAP_MULTI_ADDRESS_SPACE": 118, "KVM_CAP_SPLIT_IRQCHIP": 121,
    "KVM_CAP_MAX_VCPU_ID": 128, "KVM_CAP_X86_USER_SPACE_MSR": 188,
    "KVM_CAP_EXIT_HYPERCALL": 201, "KVM_CAP_USER_MEMORY2": 231,
    "KVM_CAP_MEMORY_FAULT_INFO": 232, "KVM_CAP_MEMORY_ATTRIBUTES": 233,
    "KVM_CAP_GUEST_MEMFD": 234, "KVM_CAP_VM_TYPES": 235, "KVM_CAP_PRE_FAULT_MEMORY": 236,
    "KVM_CAP_X86_APIC_BUS_CYCLES_NS": 237, "KVM_CAP_GUEST_MEMFD_FLAGS": 244,
  ]

  /// The argument `cap`: a name or a number.
  static func of(_ given: CallArguments) throws(BackendError) -> UInt32 {
    guard let name = given.text("cap"), CallArguments.word(name) == nil else {
      return try given.half("cap")
    }
    guard let number = all[name] else { throw given.wrong("cap", "a known capability") }
    return number
  }
}
