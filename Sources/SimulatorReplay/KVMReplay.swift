import ConformanceKit
import Simulator
import TraceValidation

/// Makes the calls of recordings of real kernels on the simulated one and compares what each
/// answered, what it wrote back, and the SEAMCALLs it made.
public struct SimulatedKVMReplay: SimulatedReplay {
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

  package mutating func replay(_ value: TraceValue, _ place: String) throws {
    guard let id = value["id"]?.text, let environment = value["env"]?.text,
      let cpus = value["cpus"]?.number, case .list(let steps)? = value["steps"]
    else { throw TraceError(.unusable, "\(place): a sequence has id, env, cpus and steps") }
    guard let profile = Self.environments[environment] else {
      throw TraceError(.unusable, "\(place): '\(environment)' is no known environment")
    }
    var recorded = try steps.map { try RecordedStep($0) }
    if let exit = value["at_exit"] { recorded.append(RecordedStep(exit: exit)) }
    let key = "\(environment) \(cpus)"
    var backend =
      backends[key] ?? KVMBackend(profile, cpus: cpus, faults: faults, survey: survey)
    defer { backends[key] = backend }
    try backend.reset()
    var run = SequenceRun(
      id: id, place: place, tally: tallies[environment] ?? ReplayTally(perMille: Self.perMille))
    defer { tallies[environment] = run.tally }
    let found = try run.follow(recorded.map(\.counted)) { try compare(recorded[$0], &backend) }
    if let found, disagreements.count < limit { disagreements.append(found) }
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
      if let first = Self.firstDifference(leaves, got) { differences.append(first) }
    }
    return differences
  }
}

extension SimulatedKVMReplay {
  /// The first SEAMCALL of two lists that differs; nil for equal lists.
  package static func firstDifference(
    _ recorded: [String], _ got: [String]
  ) -> ReplayDisagreement.Difference? {
    guard recorded != got else { return nil }
    let same = zip(recorded, got).prefix { $0 == $1 }.count
    func text(_ list: [String]) -> String { same < list.count ? list[same] : "no more" }
    return ReplayDisagreement.Difference(
      what: "SEAMCALL \(same + 1) (recorded are \(recorded.count), made were \(got.count))",
      recorded: text(recorded), got: text(got))
  }

  /// Every environment that occurs agrees well enough.
  public var isEnough: Bool { !tallies.isEmpty && tallies.values.allSatisfy(\.isEnough) }
}
