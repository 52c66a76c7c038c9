import SpecLanguage
import SpecProgram

/// The spec that answers a trace, and the kernel that it stands for.
public struct TraceKernel: Sendable, Hashable {
  /// `7.3`, with what the host has of `gmem/mainline`; `7.3, TDX` for `kvm/tdx`.
  public let name: String
  public let spec: String
  let parameters: [String: Int]

  /// For TDs.
  static let td = TraceKernel(name: "7.3, TDX", spec: KVMTraceCheck.spec, parameters: [:])

  /// The releases that `gmem/mainline` can be, in the order of its parameter `PROFILE`.
  public static let releases = ["6.12", "6.18", "7.2", "7.3"]

  /// - Parameter host: what the calls show that the host has: `PRIVATE`, `SMM`.
  static func gmem(_ release: Int, host: [String: Int]) -> TraceKernel {
    let parameters = host.merging(["PROFILE": release]) { $1 }
    return TraceKernel(name: releases[release], spec: GmemReplay.spec, parameters: parameters)
  }

  var environment: GmemEnvironment {
    GmemEnvironment(
      name: name, parameters: parameters, gpaBits: 52,
      // Up to 7.1 (guest-memfd §1.4).
      isSumSigned: (parameters["PROFILE"] ?? 0) < 2)
  }
}

/// One way in which a trace can have come about so far: the state that a spec is in.
struct TraceWorld {
  enum Replay {
    case td(KVMReplay)
    case gmem(GmemReplay)
  }

  private(set) var replay: Replay
  let cpus: Int

  /// What a call comes to in this world.
  struct Answer: Sendable {
    let answer: String
    let check: String
    let looked: [LookedAt]
    /// What it writes back.
    let written: WrittenFields
    /// The module's or the guest's, so that another success is as good.
    let isOpenEnded: Bool
  }

  /// - Parameter steps: every call that may be made.
  /// - Throws: `TDX2xxx` when the calls need more than the spec has.
  init(
    _ steps: [KVMStep], cpus: Int, _ kernel: TraceKernel, _ programs: ReplayPrograms
  ) throws(SpecError) {
    let sequence = KVMSequence(cpus: cpus, steps)
    self.cpus = cpus
    if kernel == .td {
      replay = .td(try KVMReplay(sequence, programs))
    } else {
      replay = .gmem(try GmemReplay(sequence, programs, kernel.environment))
    }
  }

  func isSame(as other: TraceWorld) -> Bool {
    switch (replay, other.replay) {
    case (.td(let a), .td(let b)): a.isSame(as: b)
    case (.gmem(let a), .gmem(let b)): a.isSame(as: b)
    default: false
    }
  }

  /// A TDVMCALL that user space handles: what a guest that is not told anything of exits for.
  private static let exit: TraceValue = .list(
    [0x4d, 0, 0, 0, 0, 0, 0x10002].map { .hex($0) })

  /// Makes a call.
  ///
  /// - Returns: nil for a call that no check or answer of the spec is about.
  /// - Throws: a message when the spec has no such call.
  mutating func make(_ step: KVMStep) throws(ModuleCallError) -> Answer? {
    switch replay {
    case .td(var td):
      if step.op == "KVM_RUN" { td.script = Self.exit }
      guard let result = try td.carryOut(step) else { return nil }
      td.script = nil
      let written = WrittenFields(step, result, td.calls, exit: nil)
      replay = .td(td)
      return Answer(
        answer: result.answer == "cpus" ? "\(cpus)" : result.answer, check: result.check,
        looked: result.looked, written: written, isOpenEnded: step.op == "KVM_RUN")
    case .gmem(var gmem):
      guard let result = try gmem.carryOut(step) else { return nil }
      let written = WrittenFields(step, result, gmem.calls)
      replay = .gmem(gmem)
      return Answer(
        answer: result.answer, check: result.check, looked: result.looked, written: written,
        isOpenEnded: false)
    }
  }

  /// What a call's answer is in the words of specs.
  static func answer(of step: KVMStep) -> String {
    if step.op == "KVM_CHECK_EXTENSION", step.ret != -1 { return "\(step.ret)" }
    if step.op == "touch", let signal = step.out?["signal"]?.text { return "SIG\(signal)" }
    return step.answer
  }
}

extension TraceWorld.Answer {
  /// Answers of KVM_RUN that a call gives that nothing refuses.
  private static let exits: Set = ["ok", "EINTR", "EFAULT", "EAGAIN"]

  /// Whether it is what the trace has.
  func explains(_ step: KVMStep) -> Bool {
    let recorded = TraceWorld.answer(of: step)
    if isOpenEnded, answer == "ok" { return Self.exits.contains(recorded) }
    guard answer == recorded else { return false }
    return written.agrees(with: step.out)
  }
}

extension WrittenFields {
  /// Whether the fields that a trace tells are as they follow.
  func agrees(with told: TraceValue?) -> Bool {
    guard let told else { return true }
    return values.allSatisfy { name, value in
      guard let recorded = told[name] else { return true }
      return recorded == value
        || recorded.unsigned != nil && recorded.unsigned == value.unsigned
    }
  }
}
