/// What a trace tells of some VMs that have to do with each other: calls in order.
struct VMHistory: Sendable {
  var steps: [TracedStep] = []
  var isTD = false
  /// Memslots, or private ranges, were set by calls whose arguments the trace does not tell.
  var hasUnknownSlots = false
  var hasUnknownAttributes = false
}

/// A call on a descriptor that nothing in the trace opened.
public struct StrayCall: Sendable {
  public let line: Int
  public let call: String
  public let descriptor: Int
  /// As the trace has it.
  public let answer: String
}

/// What a trace tells, VM by VM.
struct TracedVMs {
  private(set) var histories: [VMHistory] = []
  /// Calls on descriptors of KVM that no spec has, by name.
  private(set) var unspoken: [String: Int] = [:]
  /// Calls whose arguments the trace does not tell, so that nothing follows from them.
  private(set) var undecoded: [String: Int] = [:]
  /// Calls that have to do with no descriptor of KVM.
  private(set) var others = 0
  private(set) var stray: StrayCall?
  /// Time is linear in the calls, times the open descriptors.
  init(_ trace: SystemCallTrace) {
    var follower = CallFollower(trace.calls, tellsProcesses: trace.format == .calls)
    for call in trace.calls {
      if stray != nil { break }
      follower.follow(call) { report in note(report, call) }
    }
    merge(follower.sharing)
    inferSizes()
  }

  private mutating func note(_ report: CallFollower.Report, _ call: SystemCall) {
    switch report {
    case .other: others += 1
    case .ignored: break
    case .stray(let descriptor):
      stray = StrayCall(
        line: call.line, call: call.name, descriptor: descriptor,
        answer: call.succeeded ? "ok" : call.errno ?? "?")
    case .reading(let vm, .unspoken): note(unspoken: call, vm)
    case .reading(let vm, .undecoded): note(undecoded: call, vm)
    case .reading(let vm, .steps(let steps, let missing)):
      let number = history(vm)
      if call.ret == nil && call.name != "signal" || isUnanswerable(call.name, histories[number]) {
        return note(undecoded: call, vm)
      }
      if let type = steps.first?.number("type"), call.name == "KVM_CREATE_VM" {
        histories[number].isTD = type == 5 && call.succeeded
      }
      histories[number].steps.append(
        TracedStep(line: call.line, pid: call.pid, candidates: steps, missing: missing))
    }
  }

  /// The answer depends on what an earlier call did that the trace does not tell.
  private func isUnanswerable(_ call: String, _ history: VMHistory) -> Bool {
    let needsSlots: Set = [
      "KVM_SET_USER_MEMORY_REGION", "KVM_SET_USER_MEMORY_REGION2", "KVM_PRE_FAULT_MEMORY",
      "KVM_TDX_INIT_MEM_REGION", "KVM_GET_DIRTY_LOG",
    ]
    let needsAttributes: Set = ["KVM_PRE_FAULT_MEMORY", "KVM_TDX_INIT_MEM_REGION"]
    return history.hasUnknownSlots && needsSlots.contains(call)
      || history.hasUnknownAttributes && needsAttributes.contains(call)
  }

  private mutating func note(unspoken call: SystemCall, _ vm: Int) {
    unspoken[call.name, default: 0] += 1
  }

  private mutating func note(undecoded call: SystemCall, _ vm: Int) {
    undecoded[call.name, default: 0] += 1
    guard vm >= 0 else { return }
    let number = history(vm)
    if call.name.hasPrefix("KVM_SET_USER_MEMORY"), call.succeeded {
      histories[number].hasUnknownSlots = true
    }
    if call.name == "KVM_SET_MEMORY_ATTRIBUTES", call.succeeded {
      histories[number].hasUnknownAttributes = true
    }
  }

  /// Calls on /dev/kvm have the first history.
  private mutating func history(_ vm: Int) -> Int {
    while histories.count <= vm + 1 { histories.append(VMHistory()) }
    return vm + 1
  }

  /// VMs that name each other's files are one history; the device's is answered as a TD's host's.
  private mutating func merge(_ pairs: [(Int, Int)]) {
    var first = Array(histories.indices)
    func root(_ number: Int) -> Int {
      first[number] == number ? number : root(first[number])
    }
    for (left, right) in pairs where max(left, right) + 1 < histories.count {
      let (a, b) = (root(left + 1), root(right + 1))
      first[max(a, b)] = min(a, b)
    }
    for number in histories.indices.reversed() where root(number) != number {
      let target = root(number)
      histories[target].steps += histories[number].steps
      histories[target].steps.sort { $0.line < $1.line }
      histories[target].isTD = histories[target].isTD || histories[number].isTD
      histories[number].steps = []
    }
    if let device = histories.indices.first {
      histories[device].isTD =
        histories.contains(where: \.isTD) || histories[device].steps.contains(where: Self.hasTDs)
    }
    histories.removeAll(where: \.steps.isEmpty)
  }

  /// KVM_CAP_VM_TYPES has the bit of KVM_X86_TDX_VM.
  private static func hasTDs(_ step: TracedStep) -> Bool {
    guard let call = step.recorded, call.text("cap") == "KVM_CAP_VM_TYPES" else { return false }
    return call.ret > 0 && call.ret & 1 << 5 != 0
  }

  /// A file of unknown size is as large as what was accepted of it needs, or as fstat tells.
  private mutating func inferSizes() {
    for number in histories.indices {
      let steps = histories[number].steps
      let sized = steps.contains(where: Self.lacksSize) ? SizeInference(steps).steps : steps
      histories[number].steps = FileNames(sized).steps
    }
  }

  static func lacksSize(_ step: TracedStep) -> Bool {
    step.op == "KVM_CREATE_GUEST_MEMFD" && step.missing.contains("size")
  }
}
