import ConformanceKit

extension ConformanceTest {
  /// What the test needs of a kernel, by the calls it makes: VM types that it creates, features
  /// that it uses with success, guests that it runs.
  public var kernelNeeds: Set<Capability> {
    var needs = KernelNeeds()
    for step in steps {
      needs.add(step.call, succeeds: step.expect.contains(where: \.isSuccess))
      needs.add(refusal: step)
    }
    let calls = race.map { $0.threads.flatMap { $0 } + $0.then } ?? []
    for call in calls { needs.add(call, succeeds: false) }
    if race != nil { needs.found.insert(.race) }
    return needs.found
  }
}

extension Errno {
  fileprivate static let EIO = Errno(number: 5)
}

extension ExpectedOutcome {
  fileprivate var isSuccess: Bool {
    switch self {
    case .success: true
    case .exactly(let outcome): outcome.succeeded
    }
  }
}

/// Gathers what calls need.
private struct KernelNeeds {
  var found: Set<Capability> = []
  /// The type of each VM, and of each vCPU's VM, by name.
  private var types: [String: UInt64] = [:]
  /// KVM_X86_TDX_VM.
  private static let trustDomain: UInt64 = 5

  /// KVM finalizes what the TDX module lets it: only where a fault is injected, or the caller is
  /// not the owner, is EIO an answer of KVM alone (real-world §6). A VM of another type answers EIO
  /// because it is dead.
  mutating func add(refusal step: ConformanceTest.Step) {
    guard step.call.name == "KVM_TDX_FINALIZE_VM", !found.contains("standin"),
      step.expect == [.exactly(.errno(.EIO))], step.call.arguments["by"] == nil,
      let vm = CallArguments(call: step.call).text("on"), types[vm] == Self.trustDomain
    else { return }
    found.insert("tdx-module")
  }

  mutating func add(_ call: Call, succeeds: Bool) {
    let given = CallArguments(call: call)
    switch call.name {
    case "KVM_CREATE_VM" where succeeds:
      guard let type = try? given.word("type") else { return }
      found.insert(Capability("vm-type:\(type)"))
      if let name = given.newName { types[name] = type }
    case "KVM_CREATE_VCPU":
      found.insert("vcpu")
      if let name = given.newName { types[name] = given.text("on").flatMap { types[$0] } }
    case "KVM_RUN":
      found.insert(Capability("run:\(given.text("on").flatMap { types[$0] } ?? 0)"))
    case "KVM_CREATE_GUEST_MEMFD" where succeeds: found.insert("KVM_CAP_GUEST_MEMFD")
    case "KVM_SET_MEMORY_ATTRIBUTES" where succeeds: found.insert("KVM_CAP_MEMORY_ATTRIBUTES")
    case "KVM_PRE_FAULT_MEMORY" where succeeds: found.insert("KVM_CAP_PRE_FAULT_MEMORY")
    case "standin_fail", "standin_script": found.insert("standin")
    case "standin_delay": found.insert("standin-delay")
    default: break
    }
  }
}

extension ConformanceSuite {
  /// Every call that the tests make, once.
  public var calls: [Call] {
    var seen: Set<Call> = []
    var calls: [Call] = []
    for test in tests {
      let ofRace = test.race.map { $0.threads.flatMap { $0 } + $0.then } ?? []
      for call in test.steps.map(\.call) + ofRace where seen.insert(call).inserted {
        calls.append(call)
      }
    }
    return calls
  }
}
