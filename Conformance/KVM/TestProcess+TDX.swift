import CKVM
import ConformanceKit

// KVM_MEMORY_ENCRYPT_OP (kvm-tdx §2.2).
extension TestProcess {
  private static let commands: [String: UInt32] = [
    "KVM_TDX_CAPABILITIES": 0, "KVM_TDX_INIT_VM": 1, "KVM_TDX_INIT_VCPU": 2,
    "KVM_TDX_INIT_MEM_REGION": 3, "KVM_TDX_FINALIZE_VM": 4, "KVM_TDX_GET_CPUID": 5,
  ]

  /// Nil for another call.
  func tdxCall(_ given: CallArguments) throws(BackendError) -> CallResult? {
    if given.call.name == "KVM_MEMORY_ENCRYPT_OP" {
      return try command(given, try given.half("id"), data: try given.word("data", default: 0))
    }
    guard let id = Self.commands[given.call.name] else { return nil }
    switch given.call.name {
    case "KVM_TDX_CAPABILITIES": return try capabilities(given, id)
    case "KVM_TDX_INIT_VM": return try initMachine(given, id)
    case "KVM_TDX_INIT_MEM_REGION": return try initMemory(given, id)
    case "KVM_TDX_GET_CPUID": return try readCPUID(given, id)
    default:
      let isNull = given.text("data") == "NULL"
      return try command(given, id, data: isNull ? 0 : try given.word("data", default: 0))
    }
  }

  private func command(
    _ given: CallArguments, _ id: UInt32, data: UInt64
  ) throws(BackendError) -> CallResult {
    var command = ckvm_tdx_cmd()
    command.id = id
    command.flags = try given.half("flags", default: 0)
    command.hw_error = try given.word("hw_error", default: 0)
    command.data = data
    let answer = ioctl(given, CKVM_MEMORY_ENCRYPT_OP, &command)
    var result = Self.result(answer)
    if command.hw_error != 0 { result.written["hw_error"] = .word(command.hw_error) }
    return result
  }

  /// Where a command's structure is, unless the test wants a null pointer.
  private func pointer(_ given: CallArguments, _ memory: borrowing CallMemory) -> UInt64 {
    given.text("data") == "NULL" ? 0 : memory.address
  }

  private static let stride = MemoryLayout<ckvm_cpuid_entry>.stride
  /// The kernel writes no more entries than it has room for in its own list.
  private static let room = 1024

  private func capabilities(
    _ given: CallArguments, _ id: UInt32
  ) throws(BackendError) -> CallResult {
    let size = MemoryLayout<ckvm_tdx_capabilities>.size
    let memory = CallMemory(count: size + Self.room * Self.stride)
    memory[0, as: ckvm_tdx_capabilities.self].cpuid.nent = try given.half("nent", default: 0)
    var result = try command(given, id, data: pointer(given, memory))
    let seen = memory[0, as: ckvm_tdx_capabilities.self]
    result.written["nent"] = .word(UInt64(seen.cpuid.nent))
    guard result.outcome.succeeded else { return result }
    result.written["attrs"] = .word(seen.supported_attrs)
    result.written["xfam"] = .word(seen.supported_xfam)
    return result
  }

  /// One CPUID entry, with the GPA width; none where the test gives no width.
  private func initMachine(
    _ given: CallArguments, _ id: UInt32
  ) throws(BackendError) -> CallResult {
    let size = MemoryLayout<ckvm_tdx_init_vm>.size
    let memory = CallMemory(count: size + Self.stride)
    memory[0, as: ckvm_tdx_init_vm.self].attributes = try given.word("attributes", default: 0)
    memory[0, as: ckvm_tdx_init_vm.self].xfam = try given.word("xfam", default: 0)
    if let width = try given.optionalWord("gpaw") {
      memory[0, as: ckvm_tdx_init_vm.self].cpuid.nent = 1
      var entry = ckvm_cpuid_entry()
      entry.function = 0x8000_0008
      entry.eax = UInt32(truncatingIfNeeded: width & 0xFF) << 16
      memory[size, as: ckvm_cpuid_entry.self] = entry
    }
    return try command(given, id, data: pointer(given, memory))
  }

  private func initMemory(
    _ given: CallArguments, _ id: UInt32
  ) throws(BackendError) -> CallResult {
    let memory = CallMemory(count: MemoryLayout<ckvm_tdx_init_mem_region>.size)
    var region = ckvm_tdx_init_mem_region()
    region.gpa = try given.word("gpa")
    region.nr_pages = try given.word("nr_pages")
    region.source_addr = try address(given, "source")
    memory[0, as: ckvm_tdx_init_mem_region.self] = region
    var result = try command(given, id, data: pointer(given, memory))
    let left = memory[0, as: ckvm_tdx_init_mem_region.self]
    result.written["gpa"] = .word(left.gpa)
    result.written["nr_pages"] = .word(left.nr_pages)
    result.written["source_advance"] = .word(left.source_addr &- region.source_addr)
    return result
  }

  private func readCPUID(
    _ given: CallArguments, _ id: UInt32
  ) throws(BackendError) -> CallResult {
    let memory = CallMemory(count: MemoryLayout<ckvm_cpuid>.size + Self.room * Self.stride)
    memory[0, as: ckvm_cpuid.self].nent = try given.half("nent", default: 0)
    var result = try command(given, id, data: pointer(given, memory))
    result.written["nent"] = .word(UInt64(memory[0, as: ckvm_cpuid.self].nent))
    return result
  }
}
