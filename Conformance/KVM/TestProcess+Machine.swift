import CKVM
import ConformanceKit
import Glibc

// ioctls of /dev/kvm and of VMs.
extension TestProcess {
  /// Nil for another call.
  func machineCall(_ given: CallArguments) throws(BackendError) -> CallResult? {
    switch given.call.name {
    case "KVM_CREATE_VM": return try createMachine(given)
    case "KVM_CHECK_EXTENSION":
      let cap = UInt64(try CapabilityNumber.of(given))
      return Self.result(ckvm_ioctl(target(given), CKVM_CHECK_EXTENSION, cap))
    case "KVM_ENABLE_CAP": return try enableCapability(given)
    case "KVM_CREATE_IRQCHIP":
      return Self.result(ckvm_ioctl(target(given), CKVM_CREATE_IRQCHIP, 0))
    case "KVM_SET_TSC_KHZ":
      return Self.result(ckvm_ioctl(target(given), CKVM_SET_TSC_KHZ, try given.word("khz")))
    case "KVM_GET_DIRTY_LOG": return try readDirtyLog(given)
    case "KVM_CREATE_VCPU": return try createVCPU(given)
    case "KVM_CREATE_GUEST_MEMFD": return try createMemory(given)
    case "KVM_SET_USER_MEMORY_REGION": return try setRegion(given)
    case "KVM_SET_USER_MEMORY_REGION2": return try setRegion2(given)
    case "KVM_SET_MEMORY_ATTRIBUTES": return try setAttributes(given)
    default: return nil
    }
  }

  private func createMachine(_ given: CallArguments) throws(BackendError) -> CallResult {
    let type = try given.word("type")
    let made = ckvm_ioctl(target(given), CKVM_CREATE_VM, type)
    return bind(given, made, .machine(type: type))
  }

  /// A descriptor that was made gets its name; tests see 0, as numbers mean nothing to them.
  private func bind(_ given: CallArguments, _ made: Int64, _ kind: ObjectKind) -> CallResult {
    guard made >= 0 else { return Self.result(made) }
    let number = Int32(truncatingIfNeeded: made)
    table.bind(given.newName, .init(number: number, kind: kind))
    return Self.result(0)
  }

  private func enableCapability(_ given: CallArguments) throws(BackendError) -> CallResult {
    var enable = ckvm_enable_cap()
    enable.cap = try CapabilityNumber.of(given)
    enable.flags = try given.half("flags", default: 0)
    let words = given.has("args") ? try given.words("args") : []
    guard words.count <= 4 else { throw given.wrong("args", "at most four numbers") }
    let padded = words + [UInt64](repeating: 0, count: 4 - words.count)
    enable.args = (padded[0], padded[1], padded[2], padded[3])
    return Self.result(ioctl(given, CKVM_ENABLE_CAP, &enable))
  }

  private func readDirtyLog(_ given: CallArguments) throws(BackendError) -> CallResult {
    let bitmap = CallMemory(count: Int(Self.largestSlot >> 12) / 8)
    var log = ckvm_dirty_log()
    log.slot = try given.half("slot")
    log.dirty_bitmap = bitmap.address
    return Self.result(ioctl(given, CKVM_GET_DIRTY_LOG, &log))
  }

  private func createVCPU(_ given: CallArguments) throws(BackendError) -> CallResult {
    let on = given.text("on").flatMap { table[$0] }
    let made = ckvm_ioctl(target(given), CKVM_CREATE_VCPU, try given.word("id"))
    guard made >= 0, case .machine(let type)? = on?.kind else { return Self.result(made) }
    let length = ckvm_ioctl(table.number("dev"), CKVM_GET_VCPU_MMAP_SIZE, 0)
    let number = Int32(truncatingIfNeeded: made)
    guard length > 0,
      let run = mmap(nil, Int(length), PROT_READ | PROT_WRITE, MAP_SHARED, number, 0),
      run != MAP_FAILED
    else { throw BackendError(.lost, "kvm_run of a vCPU cannot be mapped") }
    let kind = ObjectKind.vcpu(type: type, run: UInt64(UInt(bitPattern: run)), length: Int(length))
    return bind(given, made, kind)
  }

  private func createMemory(_ given: CallArguments) throws(BackendError) -> CallResult {
    var create = ckvm_create_guest_memfd()
    create.size = try given.word("size")
    create.flags = try given.word("flags")
    return bind(given, ioctl(given, CKVM_CREATE_GUEST_MEMFD, &create), .memory)
  }

  private func setRegion(_ given: CallArguments) throws(BackendError) -> CallResult {
    var region = ckvm_memory_region()
    region.slot = try given.half("slot")
    region.flags = try given.half("flags")
    region.guest_phys_addr = try given.word("gpa")
    region.memory_size = try given.word("size")
    region.userspace_addr = try address(given, "hva")
    return Self.result(ioctl(given, CKVM_SET_USER_MEMORY_REGION, &region))
  }

  private func setRegion2(_ given: CallArguments) throws(BackendError) -> CallResult {
    var region = ckvm_memory_region2()
    region.slot = try given.half("slot")
    region.flags = try given.half("flags")
    region.guest_phys_addr = try given.word("gpa")
    region.memory_size = try given.word("size")
    region.userspace_addr = try address(given, "hva")
    region.guest_memfd_offset = try given.word("gmem_offset", default: 0)
    region.guest_memfd = UInt32(bitPattern: table.number(given.text("gmem")))
    return Self.result(ioctl(given, CKVM_SET_USER_MEMORY_REGION2, &region))
  }

  private func setAttributes(_ given: CallArguments) throws(BackendError) -> CallResult {
    var attributes = ckvm_memory_attributes()
    attributes.address = try given.word("gpa")
    attributes.size = try given.word("size")
    attributes.attributes = try given.word("attributes")
    attributes.flags = try given.word("flags")
    return Self.result(ioctl(given, CKVM_SET_MEMORY_ATTRIBUTES, &attributes))
  }
}
