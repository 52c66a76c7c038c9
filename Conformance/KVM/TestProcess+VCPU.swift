import CKVM
import ConformanceKit
import Glibc

// ioctls of vCPUs.
extension TestProcess {
  /// A guest runs for so long, in milliseconds; then a signal interrupts KVM_RUN.
  static let runLimit: UInt32 = 250

  /// Calls whose structure is all zeroes, or only written to.
  private static let stateCalls: [String: (request: UInt64, size: Int)] = [
    "KVM_GET_REGS": (CKVM_GET_REGS, MemoryLayout<ckvm_regs>.size),
    "KVM_SET_REGS": (CKVM_SET_REGS, MemoryLayout<ckvm_regs>.size),
    "KVM_GET_SREGS": (CKVM_GET_SREGS, MemoryLayout<ckvm_sregs>.size),
    "KVM_SET_SREGS": (CKVM_SET_SREGS, MemoryLayout<ckvm_sregs>.size),
    "KVM_GET_FPU": (CKVM_GET_FPU, MemoryLayout<ckvm_fpu>.size),
    "KVM_GET_LAPIC": (CKVM_GET_LAPIC, MemoryLayout<ckvm_lapic>.size),
    "KVM_SET_LAPIC": (CKVM_SET_LAPIC, MemoryLayout<ckvm_lapic>.size),
    "KVM_GET_XSAVE": (CKVM_GET_XSAVE, MemoryLayout<ckvm_xsave>.size),
    "KVM_GET_XCRS": (CKVM_GET_XCRS, MemoryLayout<ckvm_xcrs>.size),
    "KVM_GET_DEBUGREGS": (CKVM_GET_DEBUGREGS, MemoryLayout<ckvm_debugregs>.size),
    "KVM_GET_VCPU_EVENTS": (CKVM_GET_VCPU_EVENTS, MemoryLayout<ckvm_vcpu_events>.size),
    "KVM_GET_MP_STATE": (CKVM_GET_MP_STATE, MemoryLayout<ckvm_mp_state>.size),
    "KVM_SMI": (CKVM_SMI, 0),
    "KVM_NMI": (CKVM_NMI, 0),
  ]

  static func isStateCall(_ name: String) -> Bool { stateCalls[name] != nil }

  /// Nil for another call.
  func vcpuCall(_ given: CallArguments) throws(BackendError) -> CallResult? {
    switch given.call.name {
    case "KVM_RUN": return run(given)
    case "KVM_PRE_FAULT_MEMORY": return try prefault(given)
    case "KVM_SET_CPUID2": return try setCPUID(given)
    case "KVM_SET_MP_STATE":
      var state = ckvm_mp_state()
      state.mp_state = try given.half("mp_state")
      return Self.result(ioctl(given, CKVM_SET_MP_STATE, &state))
    default:
      guard let (request, size) = Self.stateCalls[given.call.name] else { return nil }
      guard size > 0 else { return Self.result(ckvm_ioctl(target(given), request, 0)) }
      let memory = CallMemory(count: size)
      return Self.result(ckvm_ioctl(target(given), request, memory.address))
    }
  }

  private func prefault(_ given: CallArguments) throws(BackendError) -> CallResult {
    var fault = ckvm_pre_fault_memory()
    fault.gpa = try given.word("gpa")
    fault.size = try given.word("size")
    fault.flags = try given.word("flags")
    let answer = ioctl(given, CKVM_PRE_FAULT_MEMORY, &fault)
    return Self.result(answer, ["gpa": .word(fault.gpa), "size": .word(fault.size)])
  }

  // MARK: CPUID

  private static let mostEntries = 256
  private static let head = MemoryLayout<ckvm_cpuid>.size
  private static let stride = MemoryLayout<ckvm_cpuid_entry>.stride

  /// What KVM supports, with x2APIC and the GPA width as given.
  private func setCPUID(_ given: CallArguments) throws(BackendError) -> CallResult {
    let width = try given.optionalWord("gpaw")
    let list = CallMemory(count: Self.head + Self.mostEntries * Self.stride)
    list[0, as: ckvm_cpuid.self].nent = UInt32(Self.mostEntries)
    let supported = ckvm_ioctl(table.number("dev"), CKVM_GET_SUPPORTED_CPUID, list.address)
    guard supported >= 0 else {
      throw BackendError(.lost, "KVM_GET_SUPPORTED_CPUID: errno \(-supported)")
    }
    let count = min(Int(list[0, as: ckvm_cpuid.self].nent), Self.mostEntries)
    for number in 0..<count {
      let place = Self.head + number * Self.stride
      var entry = list[place, as: ckvm_cpuid_entry.self]
      if entry.function == 1 {
        entry.ecx = entry.ecx & ~(1 << 21) | (given.flag("x2apic") ? 1 << 21 : 0)
      }
      if entry.function == 0x8000_0008, let width {
        entry.eax = entry.eax & ~0xFF_0000 | UInt32(truncatingIfNeeded: width & 0xFF) << 16
      }
      list[place, as: ckvm_cpuid_entry.self] = entry
    }
    return Self.result(ckvm_ioctl(target(given), CKVM_SET_CPUID2, list.address))
  }

  // MARK: KVM_RUN

  /// No exit reason of KVM: the kernel has set none.
  private static let noReason = UInt32.max

  private func runPage(_ name: String?) -> UnsafeMutablePointer<ckvm_run>? {
    guard case .vcpu(_, let run, _)? = name.flatMap({ table[$0] })?.kind else { return nil }
    return UnsafeMutablePointer(bitPattern: UInt(run))
  }

  private func run(_ given: CallArguments) -> CallResult {
    guard let page = runPage(given.text("on")) else {
      return Self.result(ckvm_run_for(target(given), Self.runLimit))
    }
    page.pointee.exit_reason = Self.noReason
    let answer = ckvm_run_for(target(given), Self.runLimit)
    return Self.result(answer, Self.reason(page.pointee))
  }

  private static func reason(_ run: ckvm_run) -> [String: Value] {
    guard run.exit_reason != noReason else { return [:] }
    var written: [String: Value] = ["exit_reason": .word(UInt64(run.exit_reason))]
    switch run.exit_reason {
    case 3:
      written["hypercall_nr"] = .word(run.hypercall.nr)
      written["hypercall_gpa"] = .word(run.hypercall.args.0)
      written["hypercall_npages"] = .word(run.hypercall.args.1)
      written["hypercall_attrs"] = .word(run.hypercall.args.2)
    case 6:
      written["mmio_gpa"] = .word(run.mmio.phys_addr)
      written["mmio_len"] = .word(UInt64(run.mmio.len))
      written["mmio_write"] = .word(UInt64(run.mmio.is_write))
    case 24: written["system_event_type"] = .word(UInt64(run.system_event.type))
    case 39:
      written["fault_flags"] = .word(run.memory_fault.flags)
      written["fault_gpa"] = .word(run.memory_fault.gpa)
      written["fault_size"] = .word(run.memory_fault.size)
    default: break
    }
    return written
  }

  func setHypercallResult(_ given: CallArguments) throws(BackendError) -> CallResult {
    let result = try given.word("ret")
    guard let page = runPage(given.text("on")) else { return Self.result(-Int64(EBADF)) }
    page.pointee.hypercall.ret = result
    return Self.result(0)
  }
}
