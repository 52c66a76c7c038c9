import ConformanceKit
import Synchronization

/// Looks for calls whose answers, or what is seen after them, a fault changes.
///
/// It compares two runs of the simulator, with and without the fault: it needs neither a spec nor a
/// suite, and a fault that it finds calls for can be found.
public final class FaultWitness: Sendable {
  private struct Run: Sendable {
    let sequence: CallSequence
    let results: [CallResult?]
    let end: [String]
    let places: Set<FaultPlace>

    /// Whether the fault's place is passed: elsewhere it cannot show.
    func passes(_ fault: Fault) -> Bool {
      places.contains {
        $0.call == fault.call && $0.name == fault.place && $0.isLock == fault.isOfLock
      }
    }
  }

  private let sound = Mutex([String: Run]())
  /// What comes of threads without a fault.
  private let soundThreads = Mutex([String: Set<[String]>]())

  public init() {}

  /// Whether the fault changes what comes of the sequence of that name; of several threads, whether
  /// something goes wrong that never does without it.
  public func shows(_ fault: Fault, in name: String) -> Bool {
    if let threads = ConcurrentSequence(name: name) {
      return !threads.isSound([fault]) && threads.isSound([])
    }
    if let threads = S390Threads(name: name) {
      return !threads.ends([fault]).isSubset(of: soundEnds(threads, name))
    }
    guard let sound = soundRun(name), sound.sequence.system.canHave(fault),
      sound.passes(fault)
    else { return false }
    return differs(fault, from: sound)
  }

  /// The first of the names for which the fault shows; linear in their number.
  public func first(_ fault: Fault, of names: [String]) -> String? {
    names.first { shows(fault, in: $0) }
  }

  private func soundEnds(_ threads: S390Threads, _ name: String) -> Set<[String]> {
    if let known = soundThreads.withLock({ $0[name] }) { return known }
    let ends = threads.ends([])
    soundThreads.withLock { $0[name] = ends }
    return ends
  }

  private func soundRun(_ name: String) -> Run? {
    if let known = sound.withLock({ $0[name] }) { return known }
    guard let sequence = CallSequence(name: name) else { return nil }
    let survey = FaultSurvey()
    var backend = SimulatedBackend(sequence.system, survey: survey)
    var results: [CallResult?] = []
    for call in sequence.calls { results.append(try? backend.perform(call)) }
    let end = Self.end(&backend)
    let run = Run(sequence: sequence, results: results, end: end, places: survey.places)
    sound.withLock { $0[name] = run }
    return run
  }

  private func differs(_ fault: Fault, from sound: Run) -> Bool {
    var backend = SimulatedBackend(sound.sequence.system, faults: [fault])
    for (call, expected) in zip(sound.sequence.calls, sound.results)
    where (try? backend.perform(call)) != expected {
      return true
    }
    return Self.end(&backend) != sound.end
  }

  /// What can be seen at the end, and what the system complains of.
  private static func end(_ backend: inout SimulatedBackend) -> [String] {
    let seen = (try? backend.observe()) ?? [:]
    let lines = seen.map { "\($0.key): \($0.value)" }.sorted()
    return lines + ((try? backend.complaints()) ?? ["it broke down"])
  }
}
