import ConformanceKit
import SpecLanguage
import SpecProgram

/// Calls of a run in which threads are inside calls at the same time, in words of a kernel: to be
/// tried on the real code.
public struct RaceTrial: Sendable {
  /// A call that is made before, alone, and what it must answer.
  public struct Step: Hashable, Sendable {
    public let call: Call
    public let expected: ExpectedOutcome
  }

  /// A SEAMCALL that finds a lock of the module taken in the run.
  public struct Busy: Hashable, Sendable {
    /// `TDH.MEM.RANGE.BLOCK`.
    public let leaf: String
    /// How often.
    public internal(set) var count: Int
    /// The run's steps, from 1.
    public internal(set) var steps: [Int]
  }

  /// What comes of the calls after the run.
  public struct Ending: Hashable, Sendable {
    /// For each thread and each of its calls.
    public let answers: [[ExpectedOutcome]]
    /// Whether the VM refuses every call from then on.
    public let isDead: Bool

    /// Whether this came; a nil says that it cannot be seen whether the VM is dead.
    public func accepts(_ answers: [[ConformanceKit.Outcome]], isDead: Bool?) -> Bool {
      guard isDead == nil || isDead == self.isDead else { return false }
      return ConformanceTest.Race.Answers(threads: self.answers).accepts(answers, then: [])
    }
  }

  public let prefix: [Step]
  /// What each thread calls, in order.
  public let threads: [[Call]]
  public let busy: [Busy]
  /// The SEAMCALLs during or after which another thread goes on before their own does: where a
  /// delay leads to the run's order. Each once, in the run's order.
  public let held: [String]
  /// Every way the spec has for the calls to end after the run's last step, whoever goes on first.
  public let endings: [Ending]

  /// What TDX_OPERAND_BUSY is, with the TDR as its operand (tdx-module §3).
  public static let busyStatus: UInt64 = 0x8000_0200_0000_0080

  /// - Throws: for a run of another spec, without calls that overlap, or with something that no
  ///   call of a kernel does.
  public init(_ run: RecordedRun, _ program: Program) throws(RaceTraceError) {
    guard run.spec == Self.spec, program.spec.name == Self.spec else {
      throw RaceTraceError(
        "the trace is of \(run.spec); only calls of \(Self.spec) have words of a kernel")
    }
    let retracer = RunRetracer(program)
    let trace = try retracer.retrace(run.steps)
    let calls = RunCalls(program, trace)
    guard let start = calls.firstOverlap else {
      throw RaceTraceError(
        "there is no race: no thread of the run is inside a call while another one is")
    }
    let words = RaceWords(program)
    prefix = try words.prefix(Array(calls.all[..<start]))
    let racing = calls.all[start...]
    let racers = Set(racing.compactMap(\.thread)).sorted()
    if let event = racing.first(where: { $0.thread == nil }) {
      throw RaceTraceError(
        "step \(event.first + 1), '\(event.name)', is nothing that a call does, amid the race")
    }
    var threads: [[Call]] = []
    for thread in racers {
      threads.append(try racing.filter { $0.thread == thread }.map(words.call))
    }
    self.threads = threads
    busy = Self.busy(run.steps, from: racing[start].first)
    held = Self.held(run.steps, from: racing[start].first)
    var ended: [Int: [SpecLanguage.Outcome]] = [:]
    for call in racing {
      guard let thread = call.thread, let outcome = call.outcome else { continue }
      ended[thread, default: []].append(outcome)
    }
    let ends = try retracer.ends(of: trace, ended)
    let dead = program.cells(ofVariable: "vm_dead").first?.cell
    let endings = Set(
      ends.map { end in
        Ending(
          answers: racers.map { thread in
            (end.outcomes[thread] ?? []).map { SeenAnswer(outcome: $0, observed: [:]).expected }
          }, isDead: dead.map { end.state[$0] != 0 } ?? false)
      })
    self.endings = endings.sorted { "\($0)" < "\($1)" }
  }

  static let spec = "kvm/tdx"

  /// The leaf whose step this is; nil for other steps.
  private static func leaf(of step: RecordedRun.Step) -> String? {
    let words = step.does.prefix { $0 != ":" }.split(separator: " ")
    return words.last { $0.hasPrefix("TDH.") }.map(String.init)
  }

  private static func held(_ steps: [RecordedRun.Step], from first: Int) -> [String] {
    var held: [String] = []
    for (step, next) in zip(steps, steps.dropFirst()).dropFirst(first)
    where step.thread != nil && step.outcome == nil && step.thread != next.thread {
      if let leaf = leaf(of: step), !held.contains(leaf) { held.append(leaf) }
    }
    return held
  }

  /// SEAMCALLs that were refused because a lock was taken, from a step on.
  private static func busy(_ steps: [RecordedRun.Step], from first: Int) -> [Busy] {
    var all: [Busy] = []
    for (index, step) in steps.enumerated() where index >= first && step.refusedBy != nil {
      guard let end = step.does.firstRange(of: ": tries "),
        let leaf = step.does[..<end.lowerBound].split(separator: " ").last,
        leaf.hasPrefix("TDH.")
      else { continue }
      if let known = all.firstIndex(where: { $0.leaf == leaf }) {
        all[known].count += 1
        all[known].steps.append(index + 1)
      } else {
        all.append(Busy(leaf: String(leaf), count: 1, steps: [index + 1]))
      }
    }
    return all
  }
}
