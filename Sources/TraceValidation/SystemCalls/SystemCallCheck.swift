import SpecLanguage
import SpecProgram

/// What a trace of system calls came to.
public struct SystemCallVerdict: Sendable {
  public enum Outcome: Sendable {
    case conforms
    /// The first call, by line, that the spec does not explain.
    case refused(TraceRefusal)
    /// A call on a descriptor that the trace does not open.
    case stray(StrayCall)
    /// No answer, and why.
    case unanswered(String)
  }

  public let path: String
  public let format: SystemCallFormat
  public var outcome: Outcome
  /// Kernels that explain the whole trace; of a refusal the one that explains the most of it.
  public var kernels: [TraceKernel]
  /// Calls of the trace.
  public let calls: Int
  public let vms: Int
  /// Calls that the spec explains, and those of them of which the trace does not tell everything.
  public var explained = 0
  public var explainedUndecoded = 0
  /// Calls on KVM's descriptors that specs have, but whose arguments the trace does not tell.
  public let undecoded: [String: Int]
  /// Calls on KVM's descriptors that no spec has.
  public let unspoken: [String: Int]
  /// Calls on other descriptors, or on none.
  public let others: Int
  public var edges: [TraceEdge: Int] = [:]
  /// The file ends within a line.
  public let torn: TraceError?
}

/// Explains traces of system calls with `gmem/mainline` and `kvm/tdx`.
public struct SystemCallCheck {
  /// The specs that answer, by name: of TDs, and of other VMs.
  public static let specs = [KVMTraceCheck.spec, GmemReplay.spec]

  private let td: ReplayPrograms
  private let gmem: ReplayPrograms

  public init(td: SpecDescription, gmem: SpecDescription) {
    self.td = ReplayPrograms(td)
    self.gmem = ReplayPrograms(gmem)
  }

  func programs(_ kernel: TraceKernel) -> ReplayPrograms { kernel == .td ? td : gmem }

  /// Explains a trace: by the release asked for, or else by the first that explains it.
  ///
  /// Time is linear in the trace for each release that is tried.
  /// - Parameters:
  ///   - release: one of `TraceKernel.releases`; nil to try them, the newest first.
  ///   - everyRelease: try all, also after one that explains the trace.
  /// - Throws: `unusable` for a line that is not of the format, with its place.
  public func check(
    file path: String, format: SystemCallFormat?, release: String? = nil,
    everyRelease: Bool = false
  ) throws(TraceError) -> SystemCallVerdict {
    let trace = try SystemCallTrace(path, format)
    let traced = TracedVMs(trace)
    var best: SystemCallVerdict?
    var explaining: [TraceKernel] = []
    for kernel in kernels(traced, release) {
      let verdict = verdict(trace, traced, kernel)
      if case .conforms = verdict.outcome { explaining.append(kernel) }
      if best.map({ Self.isBetter(verdict, than: $0) }) ?? true { best = verdict }
      if !explaining.isEmpty, !everyRelease { break }
    }
    guard var best else {
      throw TraceError(.unusable, "\(path): no release is called '\(release ?? "")'")
    }
    if !explaining.isEmpty { best.kernels = explaining }
    return best
  }

  private static func isBetter(_ one: SystemCallVerdict, than other: SystemCallVerdict) -> Bool {
    func rank(_ verdict: SystemCallVerdict) -> (Int, Int) {
      switch verdict.outcome {
      case .conforms: (2, 0)
      case .unanswered: (0, 0)
      case .refused(let refusal): (1, refusal.line)
      case .stray(let stray): (1, stray.line)
      }
    }
    return rank(one) > rank(other)
  }

  /// The kernels to try, in order.
  func kernels(_ traced: TracedVMs, _ release: String?) -> [TraceKernel] {
    if traced.histories.allSatisfy(\.isTD), !traced.histories.isEmpty {
      return release == nil || release == "7.3" ? [.td] : []
    }
    let host = TraceHost(traced).parameters
    let order: [String] = ["7.3", "6.18", "7.2", "6.12"].filter { release == nil || $0 == release }
    return order.compactMap { name in
      TraceKernel.releases.firstIndex(of: name).map { TraceKernel.gmem($0, host: host) }
    }
  }

  func verdict(
    _ trace: SystemCallTrace, _ traced: TracedVMs, _ kernel: TraceKernel
  ) -> SystemCallVerdict {
    var verdict = SystemCallVerdict(
      path: trace.path, format: trace.format, outcome: .conforms, kernels: [kernel],
      calls: trace.calls.count,
      vms: traced.histories.count { $0.steps.first?.op == "KVM_CREATE_VM" },
      undecoded: traced.undecoded, unspoken: traced.unspoken, others: traced.others,
      torn: trace.torn)
    if let stray = traced.stray { verdict.outcome = .stray(stray) }
    for history in traced.histories {
      let own = history.isTD ? TraceKernel.td : kernel
      do throws(SpecError) {
        try replay(history, own, trace.path, &verdict)
      } catch {
        if case .conforms = verdict.outcome {
          verdict.outcome = .unanswered("\(error.code) \(error.message)")
        }
      }
    }
    return verdict
  }

  private func replay(
    _ history: VMHistory, _ kernel: TraceKernel, _ path: String, _ verdict: inout SystemCallVerdict
  ) throws(SpecError) {
    var replay = try HistoryReplay(history, kernel, programs(kernel))
    do throws(ModuleCallError) {
      for step in history.steps {
        if try replay.take(step) { continue }
        if replay.gaveUp {
          throw ModuleCallError("\(path):\(step.line): too many ways to read the trace")
        }
        note(try refusal(step, replay, path), &verdict)
        break
      }
    } catch {
      throw SpecError("TDX2016", error.message)
    }
    verdict.explained += replay.explained
    verdict.explainedUndecoded += replay.explainedUndecoded
    verdict.edges.merge(replay.edges) { $0 + $1 }
  }

  /// Of refusals of several VMs the first in the file counts.
  private func note(_ refusal: TraceRefusal, _ verdict: inout SystemCallVerdict) {
    switch verdict.outcome {
    case .refused(let known) where known.line <= refusal.line: return
    case .stray(let known) where known.line <= refusal.line: return
    default: verdict.outcome = .refused(refusal)
    }
  }

  func refusal(
    _ step: TracedStep, _ replay: HistoryReplay, _ path: String
  ) throws(ModuleCallError) -> TraceRefusal {
    let answers = try replay.answers(step.candidates)
    let recorded = step.recorded
    return TraceRefusal(
      place: "\(path):\(step.line)", line: step.line, pid: step.pid, call: recorded?.text ?? "",
      recorded: recorded.map { TraceWorld.answer(of: $0) } ?? "", missing: step.missing,
      allowed: answers.map { ($0.answer, $0.check) }, looked: answers.first?.looked ?? [],
      completion: replay.completion(step)?.map(\.text))
  }
}
