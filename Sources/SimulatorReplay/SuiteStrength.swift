import ConformanceKit
import Dispatch
import Simulator
import Synchronization

/// Which faults of the simulator suites notice.
///
/// A fault is noticed by a test that the simulator passes without it and does not pass with it.
/// One run without faults tells which places each test passes; with a fault only the tests that
/// pass its place are made, until the first that notices by an answer.
public struct SuiteStrength: Sendable {
  /// How a fault was noticed.
  public enum Notice: String, Hashable, Sendable, CaseIterable {
    /// A call was answered otherwise, or something looked otherwise.
    case divergence
    /// A call did not come back.
    case noAnswer
    /// The backend broke down.
    case breakdown
    /// All answers were right; the system complained itself, or left something behind.
    case complaint
  }

  /// What became of a fault.
  public enum Fate: Hashable, Sendable {
    /// The id of the first test that noticed.
    case noticed(Notice, test: String)
    /// So many tests pass the place, and none noticed.
    case survives(tests: Int)
  }

  public let system: SimulatedSystem
  public let suite: ConformanceSuite
  /// Seconds for all tests without a fault.
  public let seconds: Double
  /// The tests that do not pass without a fault, with why; they count for nothing.
  public let unsound: [TestReport]
  private let profile: Profile
  /// What the system complains of after each test without a fault.
  private let complaints: [[String]]
  /// The numbers of the tests that pass each place.
  private let passing: [Place: [Int]]

  private struct Place: Hashable {
    let call: String
    let name: String
    let isLock: Bool
  }

  /// Runs the suite without faults.
  ///
  /// - Throws: what the backend throws about itself; a call that it does not know makes the test
  ///   unsound.
  public init(_ suite: ConformanceSuite, on system: SimulatedSystem) throws(BackendError) {
    self.suite = suite
    self.system = system
    var plain = SimulatedBackend(system)
    profile = try plain.probe()
    let runner = Runner(profile: profile)
    let clock = ContinuousClock()
    let start = clock.now
    _ = runner.run(suite, on: &plain, givingUpAfter: .max)
    seconds = (clock.now - start) / .seconds(1)
    let survey = FaultSurvey()
    var backend = SimulatedBackend(system, survey: survey)
    var unsound: [TestReport] = []
    var passing: [Place: [Int]] = [:]
    var complaints: [[String]] = []
    for (number, test) in suite.tests.enumerated() {
      _ = survey.take()
      let report = Self.report(test, runner, &backend)
      complaints.append((try? backend.complaints()) ?? [])
      guard report.verdict == .pass else {
        unsound.append(report)
        continue
      }
      for place in Set(survey.take().map(Self.place)) { passing[place, default: []].append(number) }
    }
    self.unsound = unsound
    self.passing = passing
    self.complaints = complaints
  }

  private static func place(_ place: FaultPlace) -> Place {
    Place(call: place.call, name: place.name, isLock: place.isLock)
  }

  private static func report(
    _ test: ConformanceTest, _ runner: Runner, _ backend: inout SimulatedBackend
  ) -> TestReport {
    do throws(BackendError) {
      return try runner.run(test, on: &backend)
    } catch {
      return TestReport(test: test.id, verdict: .inconclusive("\(error)"), stepsRun: 0)
    }
  }

  /// What becomes of each fault, in their order; on all processors.
  public func fates(_ faults: [Fault]) -> [Fate] {
    let fates = Mutex([Fate?](repeating: nil, count: faults.count))
    DispatchQueue.concurrentPerform(iterations: faults.count) { number in
      let fate = fate(faults[number])
      fates.withLock { $0[number] = fate }
    }
    return fates.withLock { $0.map { $0 ?? .survives(tests: 0) } }
  }

  /// What becomes of a fault.
  public func fate(_ fault: Fault) -> Fate {
    let place = Place(call: fault.call, name: fault.place, isLock: fault.isOfLock)
    let numbers = passing[place] ?? []
    let runner = Runner(profile: profile)
    var backend = SimulatedBackend(system, faults: [fault])
    var complained: Fate?
    for number in numbers {
      guard let notice = notice(number, runner, &backend) else { continue }
      let fate = Fate.noticed(notice, test: suite.tests[number].id)
      // An answer says more than a complaint, which not every system makes.
      if notice != .complaint { return fate }
      complained = complained ?? fate
    }
    return complained ?? .survives(tests: numbers.count)
  }

  private func notice(
    _ number: Int, _ runner: Runner, _ backend: inout SimulatedBackend
  ) -> Notice? {
    do throws(BackendError) {
      let report = try runner.run(suite.tests[number], on: &backend)
      if report.verdict.isFailure {
        return report.findings.allSatisfy(\.isComplaint) ? .complaint : .divergence
      }
      if report.verdict != .pass { return .noAnswer }
      return try backend.complaints() == complaints[number] ? nil : .complaint
    } catch {
      return .breakdown
    }
  }
}
