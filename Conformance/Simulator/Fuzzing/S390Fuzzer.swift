import ConformanceKit

/// Makes calls of KVM on s390 at random, mostly ones that can be answered with success.
public struct S390Fuzzer {
  private var random: SplitMix

  public init(seed: UInt64) { random = SplitMix(seed: seed) }

  private mutating func pick<T>(_ values: [T]) -> T {
    values[Int(random.next() % UInt64(values.count))]
  }

  private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

  private static let teardown = [
    "KVM_PV_ENABLE", "KVM_PV_ENABLE", "KVM_PV_DISABLE", "KVM_PV_ASYNC_CLEANUP_PREPARE",
    "KVM_PV_ASYNC_CLEANUP_PREPARE", "KVM_PV_ASYNC_CLEANUP_PERFORM",
    "KVM_PV_ASYNC_CLEANUP_PERFORM",
  ]
  private static let image = [
    "KVM_PV_SET_SEC_PARMS", "KVM_PV_UNPACK", "KVM_PV_VERIFY", "KVM_PV_DUMP", "KVM_PV_DUMP",
    "KVM_PV_PREP_RESET", "KVM_PV_UNSHARE_ALL", "KVM_PV_INFO", "KVM_PV_UNKNOWN",
  ]
  private static let others = [
    "KVM_PV_CPU_COMMAND", "KVM_SET_ONE_REG", "KVM_S390_MEM_OP", "KVM_S390_VM_TOD",
    "KVM_SET_MP_STATE", "KVM_SET_USER_MEMORY_REGION",
  ]
  private static let events = [
    "reclaim takes the page away", "the VMM accesses a page", "the guest shares a page",
    "the guest takes a shared page back",
  ]

  /// The next call.
  public mutating func next() -> Call {
    switch random.next() % 100 {
    case 0..<36: return command(pick(Self.teardown))
    case 36..<56: return command(pick(Self.image))
    case 56..<76:
      return Call(
        "KVM_RUN", ["v": .text("v\(random.next() % 2)"), "p": page(), "caller": caller()])
    case 76..<82:
      return Call(
        pick(Self.others),
        [
          "v": .text("v\(random.next() % 2)"), "caller": caller(),
          "command": .text(chance(80) ? "dump" : "unknown"),
        ])
    case 82..<93: return Call(pick(Self.events), ["p": page()])
    case 93..<95: return Call("a fatal signal comes")
    case 95..<97:
      return Call(
        "the next allocation fails", ["of": .text(pick(S390Host.Allocation.allCases).rawValue)])
    case 97..<99:
      return Call(
        "the next call of the Ultravisor fails",
        ["of": .text(pick(UltravisorCall.refusable).rawValue)])
    default: return Call(pick(["exit_mmap", "kvm_destroy_vm"]))
    }
  }

  private mutating func page() -> Value { .text("p\(random.next() % 3)") }

  private mutating func caller() -> Value { .text(chance(96) ? "owner" : "foreign") }

  private mutating func command(_ name: String) -> Call {
    var call = Call(name)
    if chance(3) { call.arguments["caller"] = "foreign" }
    if chance(5) { call.arguments["argument"] = .text(pick(["unreadable", "readOnly"])) }
    if chance(4) { call.arguments["flags"] = true }
    switch name {
    case "KVM_PV_SET_SEC_PARMS":
      call.arguments["header"] = .text(
        chance(70)
          ? "fine" : pick(["unreadable", "tooLong", "empty", "dangling", "forOther"]))
    case "KVM_PV_UNPACK":
      call.arguments["data"] = .text(
        chance(80) ? "fine" : pick(["unreadable", "unaligned", "empty"]))
      call.arguments["p"] = page()
    case "KVM_PV_INFO":
      call.arguments["info"] = .text(
        pick(["fine", "unreadable", "tooShort", "unknown", "noRoom", "readOnly"]))
    case "KVM_PV_DUMP":
      call.arguments["dump"] = .text(
        pick([
          "start", "start", "state", "unalignedState", "emptyState", "complete", "smallComplete",
          "unknown", "unreadable",
        ]))
    default: break
    }
    return call
  }
}

extension TypicalLife {
  private static func run(_ vcpu: Int, _ page: Int) -> Call {
    Call("KVM_RUN", ["v": .text("v\(vcpu)"), "p": .text("p\(page)")])
  }

  /// Guests of one VM, each of which succeeds when those before it were made.
  ///
  /// - Parameters:
  ///   - isLoaded: guests have their images from the beginning.
  ///   - isAsync: they are set aside.
  static func ofS390(isLoaded: Bool, isAsync: Bool) -> [Call] {
    var calls = [Call("KVM_PV_ENABLE")]
    if !isLoaded {
      calls += [
        Call("KVM_PV_SET_SEC_PARMS"), Call("KVM_PV_UNPACK", ["p": "p0"]), Call("KVM_PV_VERIFY"),
      ]
    }
    calls += [run(0, 0), run(1, 1), run(0, 2)]
    calls += [Call("the guest shares a page", ["p": "p2"])]
    guard isAsync else { return calls + [Call("KVM_PV_DISABLE"), Call("KVM_PV_ENABLE")] }
    calls.append(Call("KVM_PV_ASYNC_CLEANUP_PREPARE"))
    calls.append(Call("KVM_PV_ENABLE"))
    if isLoaded { calls += [run(0, 0), run(1, 2)] }
    return calls + [Call("KVM_PV_ASYNC_CLEANUP_PERFORM")]
  }
}
