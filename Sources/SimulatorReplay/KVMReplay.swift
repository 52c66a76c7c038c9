import ConformanceKit
import Simulator
import TraceValidation

/// Makes the calls of recordings of real kernels on the simulated one and compares what each
/// answered, what it wrote back, and the SEAMCALLs it made.
public struct SimulatedKVMReplay {
  public private(set) var tallies: [String: ReplayTally] = [:]
  public private(set) var disagreements: [ReplayDisagreement] = []
  private var backends: [String: KVMBackend] = [:]
  private let limit: Int
  private let faults: [Fault]
  private let survey: FaultSurvey?

  /// - Parameters:
  ///   - faults: mistakes that the simulated kernel makes.
  ///   - survey: told of the places that faults can be at.
  ///   - limit: how many disagreements are kept.
  public init(faults: [Fault] = [], limit: Int, survey: FaultSurvey? = nil) {
    self.faults = faults
    self.limit = limit
    self.survey = survey
  }

  /// Of a thousand calls so many must agree.
  public static let perMille = 990

  /// The kernels that recordings are of.
  static let environments: [String: KernelProfile] = [
    "kvm-6.18-default": .linux6_18, "kvm-7.3-sw-protected": .linux7_3,
    "kvm-7.3-tdx-standin": .linux7_3TDX,
  ]

  /// Replays every sequence of a file. Time is linear in the number of calls.
  ///
  /// - Throws: `unusable` for a line that is not of the format, `torn` for a file that ends within
  ///   a line; what came before is in `tallies`.
  public mutating func check(file path: String) throws(TraceError) {
    let file = try TraceFile(path)
    for line in file.lines.indices {
      guard let value = try file.value(at: line) else { continue }
      try check(Recording.Line(place: "\(path):\(line + 1)", value: value))
    }
  }

  /// Replays a recording until a call disagrees; whether one did.
  ///
  /// - Throws: `unusable` for a sequence that is not of the format.
  public mutating func differs(from recording: Recording) throws(TraceError) -> Bool {
    for line in recording.lines {
      try check(line)
      if !disagreements.isEmpty { return true }
    }
    return false
  }

  private mutating func check(_ line: Recording.Line) throws(TraceError) {
    do {
      try check(line.value, line.place)
    } catch let error as TraceError {
      throw error
    } catch {
      throw TraceError(.unusable, "\(line.place): \(error)")
    }
  }

  private mutating func check(_ value: TraceValue, _ place: String) throws {
    guard let id = value["id"]?.text, let environment = value["env"]?.text,
      let cpus = value["cpus"]?.number, case .list(let steps)? = value["steps"]
    else { throw TraceError(.unusable, "\(place): a sequence has id, env, cpus and steps") }
    guard let profile = Self.environments[environment] else {
      throw TraceError(.unusable, "\(place): '\(environment)' is no known environment")
    }
    var recorded: [RecordedStep] = []
    for step in steps { recorded.append(try RecordedStep(step)) }
    if let exit = value["at_exit"] { recorded.append(RecordedStep(exit: exit)) }
    let key = "\(environment) \(cpus)"
    var backend = backends[key] ?? KVMBackend(profile, cpus: cpus, faults: faults, survey: survey)
    defer { backends[key] = backend }
    var tally = tallies[environment] ?? ReplayTally(perMille: Self.perMille)
    defer { tallies[environment] = tally }
    tally.sequences += 1
    try backend.reset()
    for (index, step) in recorded.enumerated() {
      let differences = try compare(step, &backend)
      if step.isCompared { tally.add(step.name, step.answer, agreed: differences.isEmpty) }
      guard !differences.isEmpty else { continue }
      if disagreements.count < limit {
        disagreements.append(
          ReplayDisagreement(
            place: place, sequence: id, call: index + 1, text: "\(step.call)",
            differences: differences))
      }
      for later in recorded.dropFirst(index + 1) where later.isCompared {
        tally.skip(later.name, later.answer)
      }
      return
    }
  }

  private func compare(
    _ step: RecordedStep, _ backend: inout KVMBackend
  ) throws -> [ReplayDisagreement.Difference] {
    backend.host.port.clearLog()
    let result = try backend.perform(step.call)
    guard step.isCompared else { return [] }
    var differences: [ReplayDisagreement.Difference] = []
    func compare(_ what: String, _ recorded: String, _ got: String) {
      guard recorded != got else { return }
      differences.append(.init(what: what, recorded: recorded, got: got))
    }
    compare("answer", step.outcome, "\(result.outcome)")
    compare("written", step.written(step.out), step.written(result.written))
    if let leaves = step.leaves {
      let got = backend.host.port.log.compactMap(RecordedStep.leaf)
      compare("SEAMCALLs", leaves.joined(separator: " "), got.joined(separator: " "))
    }
    return differences
  }
}

extension SimulatedKVMReplay {
  /// Every environment that occurs agrees well enough.
  public var isEnough: Bool { !tallies.isEmpty && tallies.values.allSatisfy(\.isEnough) }
}
