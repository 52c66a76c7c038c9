import SpecLanguage
import SpecProgram

/// Answers calls in the words of recordings as a spec has it, one after the other.
///
/// The calls that may be made are known from the start: they say how the GPA space and the files
/// are cut into intervals. Which of them are made, and in which order, is free.
package struct SequenceOracle {
  /// What a call comes to.
  package struct Answer: Hashable, Sendable {
    /// `ok`, a number, an errno's name, or a signal's.
    package let outcome: String
    /// The SEAMCALLs; empty where the environment shows none.
    package let leaves: [Leaf]
    /// What it writes back, as far as that follows.
    package let written: [String: TraceValue]
    /// What gave the answer, for people.
    package let check: String
    /// Whether later calls can be answered otherwise for it.
    package let changes: Bool

    package var isRefusal: Bool { outcome.first?.isUppercase == true }
  }

  /// A SEAMCALL.
  package struct Leaf: Hashable, Sendable {
    package let name: String
    /// `ok` or the status in hexadecimal.
    package let status: String
    package let gpa: UInt64?
  }

  private enum Replay {
    case td(KVMReplay)
    case gmem(GmemReplay)
  }

  private var replay: Replay
  private let steps: [KVMStep]
  private var module = ModuleDecisions()
  private let cpus: Int

  /// - Parameters:
  ///   - environment: as recordings call it.
  ///   - cpus: how many CPUs the machine has.
  ///   - calls: every call that may be made: `op`, `args` and `by`, as recordings have them.
  ///   - programs: of the spec that answers the environment.
  /// - Throws: `TDX2xxx` when the calls need more than the spec has, or are none.
  package init(
    _ environment: String, cpus: Int, _ calls: [TraceValue], _ programs: ReplayPrograms
  ) throws(SpecError) {
    var steps: [KVMStep] = []
    do throws(ModuleCallError) {
      for call in calls { steps.append(try KVMStep(asked: call)) }
    } catch {
      throw SpecError("TDX2016", error.message)
    }
    self.steps = steps
    self.cpus = cpus
    let sequence = KVMSequence(cpus: cpus, steps)
    if environment == KVMTraceCheck.environment {
      replay = .td(try KVMReplay(sequence, programs))
    } else if let known = GmemEnvironment.all.first(where: { $0.name == environment }) {
      replay = .gmem(try GmemReplay(sequence, programs, known))
    } else {
      throw SpecError("TDX2016", "no spec answers the environment '\(environment)'")
    }
  }

  /// Makes a call.
  ///
  /// - Parameter number: which of the calls.
  /// - Returns: nil, without having made it, when the spec does not say one answer, or says that
  ///   the TDX module or the emulated CPU decides.
  package mutating func answer(_ number: Int) -> Answer? {
    let before = self
    guard let answer = make(steps[number]) else {
      self = before
      return nil
    }
    return answer
  }

  private mutating func make(_ step: KVMStep) -> Answer? {
    switch replay {
    case .td(let td): makeOnTD(step, td)
    case .gmem(let gmem): make(step, gmem)
    }
  }

  private mutating func makeOnTD(_ step: KVMStep, _ before: KVMReplay) -> Answer? {
    var td = before
    guard case .success(let made) = Result(catching: { try td.carryOut(step) }) else { return nil }
    guard let result = made else {
      // Nothing of KVM is called, but the stand-in is told something.
      replay = .td(td)
      return step.op == "touch" ? nil : Self.told
    }
    if result.leaves.contains(where: { $0.leaf == "TDH.VP.ENTER" }) { td.script = nil }
    guard let outcome = outcome(result.answer), module.takes(step, result) else { return nil }
    // There is no state of a VM that was not made.
    if step.op == "KVM_CREATE_VM", result.answer != "ok" { td = before }
    let written = WrittenFields(step, result, td.calls, exit: before.script)
    replay = .td(td)
    return answer(outcome, result.leaves, written, result.check, changes: !td.isSame(as: before))
  }

  private mutating func make(_ step: KVMStep, _ before: GmemReplay) -> Answer? {
    var gmem = before
    guard case .success(let made) = Result(catching: { try gmem.carryOut(step) }),
      let result = made, let outcome = outcome(result.answer),
      module.takesPlain(step, result.answer)
    else { return nil }
    if step.op == "KVM_CREATE_VM", result.answer != "ok" { gmem = before }
    let written = WrittenFields(step, result, gmem.calls)
    replay = .gmem(gmem)
    return answer(outcome, [], written, result.check, changes: !gmem.isSame(as: before))
  }

  private static let told = Answer(
    outcome: "ok", leaves: [], written: [:], check: "", changes: true)

  /// Nil for what is no answer of a kernel: the spec did not say one.
  private func outcome(_ answer: String) -> String? {
    if answer == "cpus" { return "\(cpus)" }
    return answer == "nothing" || answer.hasPrefix("TDX") ? nil : answer
  }

  private func answer(
    _ outcome: String, _ leaves: [ListedLeaf], _ written: WrittenFields, _ check: String,
    changes: Bool
  ) -> Answer {
    Answer(
      outcome: outcome,
      leaves: leaves.map { Leaf(name: $0.leaf, status: $0.status, gpa: $0.gpa) },
      written: written.values, check: check, changes: changes)
  }

  /// Closes what is open as the process ends; nil when the spec does not say how.
  package mutating func end() -> Answer? {
    guard case .td(var td) = replay else { return Self.told }
    let result = td.end()
    replay = .td(td)
    guard result.answer == "ok" else { return nil }
    return answer("ok", result.leaves, WrittenFields(), "", changes: true)
  }
}

/// What the answers of a TDX module or of a CPU would be needed for.
private struct ModuleDecisions {
  private var tds: Set<String> = []
  private var vcpus: Set<String> = []
  private var vcpusOfTDs: Set<String> = []
  private var initialised: Set<String> = []
  private var vmsWithPages: Set<Int> = []
  private var hasRun: Set<String> = []

  /// FINALIZE_VM of a TD without a page or with vCPUs that are not initialised is the module's.
  mutating func takes(_ step: KVMStep, _ result: KVMReplay.Result) -> Bool {
    func has(_ leaf: String) -> Bool { result.leaves.contains { $0.leaf == leaf } }
    if has("TDH.MEM.PAGE.ADD") { vmsWithPages.insert(0) }
    switch (step.op, result.answer) {
    case ("KVM_CREATE_VM", "ok"):
      if step.number("type") == 5 { tds.insert(step.on) }
    case ("KVM_CREATE_VCPU", "ok"):
      guard let new = step.text("new") else { break }
      vcpus.insert(new)
      if tds.contains(step.on) { vcpusOfTDs.insert(new) }
    case ("KVM_TDX_INIT_VCPU", "ok"): initialised.insert(step.on)
    default: break
    }
    // Of other VMs' vCPUs the environment has no runs, and no limit to their number.
    if step.op == "KVM_RUN", !vcpusOfTDs.contains(step.on) { return false }
    if step.text("cap") == "KVM_CAP_MAX_VCPUS", step.on != "dev", !tds.contains(step.on) {
      return false
    }
    guard has("TDH.MR.FINALIZE") else { return true }
    return !vmsWithPages.isEmpty && !vcpus.isEmpty && initialised.isSuperset(of: vcpus)
  }

  /// What a vCPU does after its first access is its CPU's.
  mutating func takesPlain(_ step: KVMStep, _ answer: String) -> Bool {
    guard step.op == "KVM_RUN", answer == "ok" else { return true }
    return hasRun.insert(step.on).inserted
  }
}
