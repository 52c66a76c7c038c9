import CKVM
import ConformanceKit
import Glibc

// Calls that are not made, because they are known to harm a machine that others use
// (guest-memfd §9, real-world §4). Nothing that a test says switches these off.
extension TestProcess {
  /// The largest slot, in bytes: the kernel allocates memory for each page of one.
  static let largestSlot: UInt64 = 16 << 30
  /// From here on KVM refuses a slot for its size (guest-memfd §1.4).
  private static let refusedSlot: UInt64 = 1 << 43
  /// How much of a memfd one call may allocate.
  private static let largestAllocation: UInt64 = 64 << 20
  /// KVM works page by page on attributes: more does not come back in time.
  private static let largestConversion: UInt64 = 128 << 20
  /// How many memfds one test may create.
  private static let mostMemories = 256

  /// Throws for a call that is not made here.
  func refuseHazards(_ given: CallArguments) throws(BackendError) {
    switch given.call.name {
    case "KVM_RUN": try refuseRun(given)
    case "KVM_CREATE_VCPU":
      guard rules.allowsRun else {
        throw hazard(given, "no vCPU is created here without leave to run one")
      }
    case "KVM_CREATE_GUEST_MEMFD":
      guard table.memoryCount < Self.mostMemories else {
        throw hazard(given, "a test has at most \(Self.mostMemories) memfds")
      }
    case "KVM_SET_USER_MEMORY_REGION", "KVM_SET_USER_MEMORY_REGION2":
      let size = try given.word("size")
      guard size <= Self.largestSlot || size >= Self.refusedSlot || size & 0xFFF != 0 else {
        throw hazard(given, "a slot of so many pages takes the kernel's memory")
      }
    case "KVM_SET_MEMORY_ATTRIBUTES": try refuseConversion(given)
    case "fallocate": try refuseAllocation(given)
    default: break
    }
  }

  private func hazard(_ given: CallArguments, _ reason: String) -> BackendError {
    BackendError(.unknownCall, "\(given.call.name) is not made: \(reason)")
  }

  private func refuseRun(_ given: CallArguments) throws(BackendError) {
    guard rules.allowsRun else {
      throw hazard(given, "no guest runs here without leave")
    }
    guard standIn != nil,
      case .vcpu(let type, _, _)? = given.text("on").flatMap({ table[$0] })?.kind
    else { return }
    guard type == 5 else {
      throw hazard(given, "over the stand-in module only TDs can run")
    }
  }

  private func refuseConversion(_ given: CallArguments) throws(BackendError) {
    let size = try given.word("size")
    let sum = try given.word("gpa").addingReportingOverflow(size)
    let isRefused = sum.overflow || size & 0xFFF != 0 || sum.partialValue & 0xFFF != 0
    guard size > Self.largestConversion, !isRefused, try given.word("flags") == 0 else { return }
    // Plain VMs refuse attributes, and nothing can be said of a VM that is not known.
    guard case .machine(let type)? = given.text("on").flatMap({ table[$0] })?.kind, type != 0,
      try given.word("attributes") == 8
    else { return }
    throw hazard(given, "KVM converts so many pages one by one")
  }

  private func refuseAllocation(_ given: CallArguments) throws(BackendError) {
    let length = try given.word("len")
    guard try Self.mode(given) == 1, length > Self.largestAllocation else { return }
    var status = stat()
    guard fstat(target(given), &status) == 0 else { return }
    let sum = try given.word("offset").addingReportingOverflow(length)
    guard !sum.overflow, sum.partialValue <= UInt64(clamping: status.st_size) else { return }
    throw hazard(given, "it would allocate \(length >> 20) MiB")
  }
}
