import ConformanceKit
import Simulator
import SimulatorReplay
import Verdicts

/// What suites notice of faults: a row a suite, and all of them together.
struct KillTable {
  private let faults: [Fault]
  private var rows: [Row] = []
  /// The best that came of each fault.
  private var best: [SuiteStrength.Fate]
  /// Why faults are known to survive, by id; nil when nothing is known of any.
  private let reasons: [String: String]?

  private struct Row {
    let name: String
    let strength: SuiteStrength
    let fates: [SuiteStrength.Fate]
    let seconds: Double
  }

  init(faults: [Fault], reasons: [String: String]? = nil) {
    self.faults = faults
    self.reasons = reasons
    best = Array(repeating: .survives(tests: 0), count: faults.count)
  }

  /// - Parameter isInTurn: only the faults that no suite before has noticed by an answer.
  mutating func add(_ strength: SuiteStrength, name: String, isInTurn: Bool) {
    let clock = ContinuousClock()
    let start = clock.now
    let possible = Set(strength.system.faults)
    let own = zip(faults, best).filter { fault, fate in
      possible.contains(fault) && !(isInTurn && Self.isAnswered(fate))
    }.map(\.0)
    let found = Dictionary(uniqueKeysWithValues: zip(own, strength.fates(own)))
    let fates = faults.map { found[$0] ?? .survives(tests: 0) }
    let seconds = (clock.now - start) / .seconds(1)
    rows.append(Row(name: name, strength: strength, fates: fates, seconds: seconds))
    for number in faults.indices {
      best[number] = Self.better(best[number], fates[number])
    }
  }

  private static func better(
    _ first: SuiteStrength.Fate, _ second: SuiteStrength.Fate
  ) -> SuiteStrength.Fate {
    switch (first, second) {
    case (.survives(let some), .survives(let more)): .survives(tests: some + more)
    case (.survives, _): second
    case (.noticed(.complaint, _), .noticed): second
    default: first
    }
  }

  private static func isAnswered(_ fate: SuiteStrength.Fate) -> Bool {
    if case .noticed(let notice, _) = fate { notice != .complaint } else { false }
  }

  private static func noticed(_ fates: [SuiteStrength.Fate]) -> Int {
    fates.count {
      if case .noticed = $0 { true } else { false }
    }
  }

  private static func answered(_ fates: [SuiteStrength.Fate]) -> Int {
    fates.count(where: isAnswered)
  }

  /// A suite that fails without a fault measures nothing.
  func status(atLeast percent: Int?) -> ExitStatus {
    guard rows.allSatisfy(\.strength.unsound.isEmpty) else { return .failure }
    if let reasons, Set(surviving.map(\.id)) != Set(reasons.keys) { return .failure }
    guard let percent else { return .success }
    return Self.noticed(best) * 100 >= percent * faults.count ? .success : .failure
  }

  // MARK: Text

  var text: String {
    var out = ""
    for row in rows {
      for test in row.strength.unsound {
        out += "\(row.name): \(test.test) does not pass without a fault"
        out += (test.verdict.reason.map { ": \($0)" } ?? "") + "\n"
      }
    }
    out += Self.line(["suite", "tests", "steps", "seconds", "noticed", "by answers"])
    for row in rows {
      out += Self.line([
        row.name, "\(row.strength.suite.tests.count)", "\(Self.steps(row.strength.suite))",
        Self.rounded(row.strength.seconds), share(Self.noticed(row.fates)),
        share(Self.answered(row.fates)),
      ])
    }
    if rows.count > 1 {
      out += Self.line([
        "all", "\(rows.reduce(0) { $0 + $1.strength.suite.tests.count })",
        "\(rows.reduce(0) { $0 + Self.steps($1.strength.suite) })",
        Self.rounded(rows.reduce(0) { $0 + $1.strength.seconds }), share(Self.noticed(best)),
        share(Self.answered(best)),
      ])
    }
    return out + "\n" + classes + survivors
  }

  private static func line(_ cells: [String]) -> String {
    let widths = [40, 8, 9, 10, 20, 20]
    let padded = zip(cells, widths).enumerated().map { number, pair in
      let space = String(repeating: " ", count: max(1, pair.1 - pair.0.count))
      return number == 0 ? pair.0 + space : space + pair.0
    }
    return padded.joined() + "\n"
  }

  private static func steps(_ suite: ConformanceSuite) -> Int {
    suite.tests.reduce(0) { $0 + $1.steps.count }
  }

  private static func rounded(_ seconds: Double) -> String {
    "\((seconds * 1000).rounded() / 1000)"
  }

  private func share(_ count: Int) -> String {
    let perMille = faults.isEmpty ? 0 : count * 1000 / faults.count
    return "\(count)/\(faults.count) \(perMille / 10).\(perMille % 10) %"
  }

  private var classes: String {
    FaultClass.allCases.compactMap { kind in
      let own = faults.indices.filter { faults[$0].faultClass == kind }
      guard !own.isEmpty else { return nil }
      return "\(kind.rawValue): \(Self.noticed(own.map { best[$0] })) of \(own.count)\n"
    }.joined()
  }

  private var surviving: [Fault] {
    zip(faults, best).compactMap { fault, fate in
      if case .survives = fate { fault } else { nil }
    }
  }

  private var survivors: String {
    var out = ""
    for (fault, fate) in zip(faults, best) {
      guard case .survives(let tests) = fate else { continue }
      let why = tests == 0 ? "no test comes there" : "\(tests) tests come there"
      out += "not noticed: \(fault.id) (\(fault.faultClass.rawValue)): \(why)"
      if let reasons { out += "; " + (reasons[fault.id] ?? "NOT KNOWN TO SURVIVE") }
      out += "\n"
    }
    let alive = Set(surviving.map(\.id))
    for id in (reasons ?? [:]).keys.sorted() where !alive.contains(id) {
      out += "NOTICED, though known to survive: \(id)\n"
    }
    return out
  }

  // MARK: Events

  var events: [JSONValue] {
    let measured = rows.map { row in
      JSONValue.members([
        "event": "kills", "suite": .string(row.name),
        "system": .string(row.strength.system.name),
        "tests": .int(row.strength.suite.tests.count),
        "steps": .int(Self.steps(row.strength.suite)),
        "seconds": .double(row.strength.seconds), "noticed": .int(Self.noticed(row.fates)),
        "by_answers": .int(Self.answered(row.fates)), "faults": .int(faults.count),
        "unsound": .array(row.strength.unsound.map { .string($0.test) }),
        "measured_in": .double(row.seconds),
      ])
    }
    let each = zip(faults, best).map { fault, fate in
      var notice: JSONValue?
      var test: JSONValue?
      var tests: JSONValue?
      switch fate {
      case .noticed(let kind, let id): (notice, test) = (.string(kind.rawValue), .string(id))
      case .survives(let count): tests = .int(count)
      }
      return JSONValue.members([
        "event": "fault", "fault": .string(fault.id), "class": .string(fault.faultClass.rawValue),
        "summary": .string(fault.summary), "notice": notice, "test": test, "passing_tests": tests,
        "survives_because": notice == nil ? reasons?[fault.id].map { .string($0) } : nil,
      ])
    }
    return measured + each
  }
}
