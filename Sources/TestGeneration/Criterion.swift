/// What the tests of a suite have to do.
public enum Criterion: Hashable, Sendable {
  /// Let every check refuse, and show which argument it is about.
  case checks
  /// Take every transition; the directed Chinese postman.
  case tour
  /// Take every n + 1 transitions in a row; 0 is every transition.
  case nSwitch(Int)
  /// Make every t different calls in every order.
  case tuples(Int)
  /// Reach every state, make up to k + 1 calls, and find out where that led.
  case certified(k: Int, adaptive: Bool)
  /// Two threads make so many calls each at once.
  case parallel(calls: Int)
  /// Random walks.
  case random
  /// Live as VMs do, and deviate from it.
  case deviations

  /// As the command line spells it, with one of ``names``.
  public init?(_ name: String, k: Int) {
    switch name {
    case "checks": self = .checks
    case "tour": self = .tour
    case "0-switch": self = .nSwitch(0)
    case "1-switch": self = .nSwitch(1)
    case "2-switch": self = .nSwitch(2)
    case "2-way": self = .tuples(2)
    case "3-way": self = .tuples(3)
    case "hsi": self = .certified(k: k, adaptive: false)
    case "hybrid": self = .certified(k: k, adaptive: true)
    case "parallel": self = .parallel(calls: 1)
    case "parallel-2": self = .parallel(calls: 2)
    case "random": self = .random
    case "deviations": self = .deviations
    default: return nil
    }
  }

  /// Every name, in the order of strength.
  public static let names = [
    "checks", "tour", "0-switch", "1-switch", "2-switch", "2-way", "3-way", "hsi", "hybrid",
    "parallel", "parallel-2", "random", "deviations",
  ]

  public var name: String {
    switch self {
    case .checks: "checks"
    case .tour: "tour"
    case .nSwitch(let n): "\(n)-switch"
    case .tuples(let t): "\(t)-way"
    case .certified(_, let adaptive): adaptive ? "hybrid" : "hsi"
    case .parallel(let calls): calls == 1 ? "parallel" : "parallel-\(calls)"
    case .random: "random"
    case .deviations: "deviations"
    }
  }
}

/// How sequences are chosen.
public struct PlanOptions: Sendable {
  public var criterion: Criterion
  /// How many calls a fresh start is worth to a tour; from 1.
  public var resetCost: Int
  /// Random walks after the rest: how many, of how many calls, from which seed.
  public var walks: Int
  public var walkLength: Int
  public var seed: UInt64
  /// How many calls the sequences may have in all.
  public var mostCalls: Int

  public init(
    _ criterion: Criterion, resetCost: Int = 5, walks: Int = 0, walkLength: Int = 40,
    seed: UInt64 = 1, mostCalls: Int = 2_000_000
  ) {
    self.criterion = criterion
    self.resetCost = resetCost
    self.walks = walks
    self.walkLength = walkLength
    self.seed = seed
    self.mostCalls = mostCalls
  }
}

/// A suite cannot be made.
public enum PlanError: Error, Sendable, CustomStringConvertible {
  /// It would have more calls than allowed.
  case tooLong(limit: Int)
  /// The machine has more states than pairs of them can be told apart of.
  case tooManyStates(Int, limit: Int)

  public var description: String {
    switch self {
    case .tooLong(let limit):
      "the suite would have more than \(limit) calls; choose fewer calls with --call, a smaller "
        + "scope, or another criterion"
    case .tooManyStates(let count, let limit):
      "\(count) states; at most \(limit) can be told apart pair by pair: choose fewer calls with "
        + "--call, a smaller scope, or another criterion"
    }
  }
}
