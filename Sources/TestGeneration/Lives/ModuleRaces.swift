import ConformanceKit
import TraceValidation

/// Two SEAMCALLs at once, on two LPs, at places of lives.
///
/// Leaves are atomic in the spec, and locks of the module are tried, never waited for: what may
/// come of two calls is what comes of one after the other, or one finds a lock that the other has
/// and changes nothing. Locks that two calls take are read off the lock matrix (tdx-module §14.1),
/// so that where they share none, or only as readers, nothing may be busy. Only the association of
/// a vCPU is decided without a lock: who comes second may find it taken (tdx-module §14.11).
struct ModuleRaces {
  private(set) var tests: [ConformanceTest] = []
  private let fresh: ModuleOracle
  private let locks: ModuleLocks
  private let isThorough: Bool
  private var seen: Set<String> = []

  /// - Parameter isThorough: each pair once in each life, instead of once.
  init(_ fresh: ModuleOracle, _ locks: ModuleLocks, isThorough: Bool) {
    self.fresh = fresh
    self.locks = locks
    self.isThorough = isThorough
  }

  /// Races each call of the life with each leaf, and with the calls that come next, where both can
  /// act.
  mutating func add(_ life: ModuleLife) {
    var test = ModuleTest(fresh)
    for (place, call) in life.calls.enumerated() {
      if Self.canRace(call) {
        let next = life.calls[place...].dropFirst().prefix(3)
        for other in [call] + next + ModuleVariants.leaves where Self.canRace(other) {
          add(call, Self.elsewhere(other, call), test, life)
        }
      }
      test.make(call)
    }
  }

  /// What a guest does is no SEAMCALL.
  private static func canRace(_ call: Call) -> Bool {
    !call.name.hasPrefix("GUEST.") && !call.name.hasPrefix("TDG.")
  }

  /// The call on another LP than that of the first.
  private static func elsewhere(_ call: Call, _ first: Call) -> Call {
    guard case .integer(let lp)? = first.arguments["lp"], call.arguments["lp"] == .integer(lp)
    else {
      return call
    }
    var call = call
    call.arguments["lp"] = .integer(lp ^ 1)
    return call
  }

  private mutating func add(
    _ first: Call, _ second: Call, _ before: ModuleTest, _ life: ModuleLife
  ) {
    var allowed: [(answers: [String], oracle: ModuleOracle)] = []
    for order in [[first, second], [second, first]] {
      var oracle = before.oracle
      let answers = order.map { oracle.answer(ModuleTest.asked($0))?.status }
      guard let one = answers[0], let other = answers[1] else { return }
      allowed.append((order[0] == first ? [one, other] : [other, one], oracle))
    }
    if locks.canCollide(first, second) {
      allowed.append(([Self.busy, Self.busy], before.oracle))
      allowed += Self.refused(Self.busy, first, second, before.oracle)
    }
    if let vcpu = first.arguments["vcpu"], vcpu == second.arguments["vcpu"],
      Self.associating.isSuperset(of: [first.name, second.name])
    {
      allowed += Self.refused("TDX_VCPU_ASSOCIATED", first, second, before.oracle)
    }
    let answers = allowed.map { $0.answers.joined(separator: " ") }
    guard (0...1).allSatisfy({ call in allowed.contains { Self.acts($0.answers[call]) } }) else {
      return
    }
    let kind = "\(first.name) \(second.name) \(answers.joined(separator: ", "))"
    guard seen.insert(isThorough ? "\(life.name): \(kind)" : kind).inserted else { return }
    append([first, second], before, allowed, life)
  }

  private static let busy = "TDX_OPERAND_BUSY"

  /// Leaves that take a vCPU to the LP.
  private static let associating: Set<String> = ["VP.ENTER", "VP.RD", "VP.WR"]

  private static func acts(_ status: String) -> Bool {
    ["TDX_SUCCESS", "IN_GUEST"].contains(status)
  }

  /// One of the two is refused and changes nothing.
  private static func refused(
    _ status: String, _ first: Call, _ second: Call, _ before: ModuleOracle
  ) -> [(answers: [String], oracle: ModuleOracle)] {
    var (one, other) = (before, before)
    var result: [(answers: [String], oracle: ModuleOracle)] = []
    if let answer = one.answer(ModuleTest.asked(first))?.status {
      result.append(([answer, status], one))
    }
    if let answer = other.answer(ModuleTest.asked(second))?.status {
      result.append(([status, answer], other))
    }
    return result
  }

  private mutating func append(
    _ calls: [Call], _ before: ModuleTest,
    _ allowed: [(answers: [String], oracle: ModuleOracle)], _ life: ModuleLife
  ) {
    let probes = Self.probes(calls, allowed.map(\.oracle))
    let rows = allowed.map { way in
      ConformanceTest.Race.Answers(
        threads: way.answers.map { [.exactly(.ok(.text($0)))] },
        then: Self.answers(probes, way.oracle).map { .exactly(.ok(.text($0))) })
    }
    var steps = before.steps
    for number in steps.indices { steps[number].written = [:] }
    var test = ConformanceTest(
      id: "\(life.name)-race",
      purpose: "\(calls[0].name) | \(calls[1].name) after \(steps.count) calls",
      covers: (steps.map(\.call) + calls).map { "action \($0.name)" }.uniqued.sorted(),
      steps: steps)
    test.race = ConformanceTest.Race(
      threads: calls.map { [$0] }, then: probes,
      allowed: rows.uniqued.sorted { $0.description < $1.description })
    tests.append(test)
  }

  /// Both calls again, once more each, where every way that the two may end lets them be made.
  private static func probes(_ calls: [Call], _ oracles: [ModuleOracle]) -> [Call] {
    (calls + calls.reversed()).reduce(into: []) { probes, call in
      let longer = probes + [call]
      if oracles.allSatisfy({ answers(longer, $0).count == longer.count }) { probes = longer }
    }
  }

  /// Shorter than the calls when one cannot be made.
  private static func answers(_ calls: [Call], _ before: ModuleOracle) -> [String] {
    var oracle = before
    var answers: [String] = []
    for call in calls {
      guard let answer = oracle.answer(ModuleTest.asked(call))?.status else { break }
      answers.append(answer)
    }
    return answers
  }
}
