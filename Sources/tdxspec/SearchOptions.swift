import ArgumentParser
import Explorer
import SpecProgram
import Verdicts

/// Which evaluator expands states.
enum EngineChoice: String, ExpressibleByArgument, CaseIterable {
  /// Rules unrolled into masks: fast.
  case table
  /// The reference interpreter: slow, and the meaning of every spec.
  case tree
}

/// How to search, and how far.
struct SearchOptions: ParsableArguments {
  @Option(name: .long, help: "The evaluator: table (fast) or tree (the reference interpreter).")
  var engine: EngineChoice = .table

  @Option(
    name: .long,
    help: ArgumentHelp(
      """
      auto (what applies and pays; none for bench/* specs), none, or some of fusion, symmetry, \
      por, with commas.
      """, valueName: "list"))
  var reduce = ReductionChoice.auto

  @Option(name: .long, help: "Threads of the search; only 1 so far.")
  var workers = 1

  @Option(name: .long, help: ArgumentHelp("Stop after so many states.", valueName: "n"))
  var maxStates: Int?

  @Option(name: .long, help: ArgumentHelp("Stop after so many steps.", valueName: "n"))
  var maxDepth: Int?

  @Option(
    name: .long,
    help: ArgumentHelp("Stop at so much memory, such as 2G or 512M.", valueName: "size"))
  var maxMemory: ByteSize?

  @Option(
    name: .long, help: ArgumentHelp("Stop after a time, such as 90s or 5m.", valueName: "time"))
  var timeLimit: Duration?

  func validate() throws {
    guard workers >= 1 else { throw ValidationError("--workers takes a number from 1") }
    guard workers == 1 else {
      throw ValidationError("--workers \(workers): the search runs on one thread so far; use 1")
    }
    for (name, value) in [("--max-states", maxStates), ("--max-depth", maxDepth)] {
      if let value, value < 1 { throw ValidationError("\(name) takes a number from 1") }
    }
  }

  /// Whether releases are fused into the step before them.
  func fuses(_ spec: String) -> Bool { reduce.wants(.fusion, for: spec) }

  func limits(stopAtFirst: Bool) -> SearchLimits {
    var limits = SearchLimits()
    limits.maxStates = maxStates
    limits.maxDepth = maxDepth
    limits.maxMemory = maxMemory?.bytes
    limits.timeLimit = timeLimit?.seconds
    limits.stopAtFirst = stopAtFirst
    return limits
  }
}

/// `2G`, `512M`, `64K` or bytes.
struct ByteSize: ExpressibleByArgument {
  let bytes: Int

  init?(argument: String) {
    let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    let unit = argument.last.flatMap { units[Character($0.uppercased())] }
    guard let number = Int(unit == nil ? argument : String(argument.dropLast())), number > 0
    else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
    guard !overflow else { return nil }
    self.bytes = bytes
  }
}

/// `90s`, `5m`, `1h` or seconds.
struct Duration: ExpressibleByArgument {
  let seconds: Double

  init?(argument: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = argument.last.flatMap { units[$0] }
    guard let number = Double(unit == nil ? argument : String(argument.dropLast())),
      number > 0, number.isFinite
    else { return nil }
    seconds = number * (unit ?? 1)
  }
}
