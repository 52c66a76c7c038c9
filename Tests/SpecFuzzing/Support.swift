import SpecLanguage

@testable import SpecProgram

/// SplitMix64: a fixed seed gives the same specs, expressions and states on every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
  mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }
}

enum V: Sort {}
enum W: Sort {}
enum Worker: Role {}
enum Color: EnumDomain { case red, green, blue }

/// A spec put together in a test; declarations are in `part`.
struct BuiltSpec<Part: SpecPart>: Spec {
  static var name: String { "test/built" }
  let summary = "built in a test"
  let vs = Parameter("V", of: V.self, 1...100, default: 3)
  let ws = Parameter("W", of: W.self, 1...4, default: 2)
  let workers = Parameter("workers", of: Worker.self, 1...4, default: 2)
  let part: Part
  let actions: [Action]
  let properties: [Property]
}

/// The description of a spec from a part, actions and properties.
func describe(
  _ part: some SpecPart, _ properties: [Property] = [],
  @ListBuilder<Action> actions: () -> [Action]
) -> SpecDescription {
  SpecDescription(BuiltSpec(part: part, actions: actions(), properties: properties))
}

extension Program {
  /// A program at chosen sizes.
  init(
    _ description: SpecDescription, _ overrides: [String: Int] = [:],
    fuse: Bool = true
  ) throws {
    try self.init(
      description, ResolvedScope(description, overrides: overrides),
      ProgramOptions(fuseReleases: fuse))
  }

  /// What the step of a transition is called.
  func stepName(_ label: TransitionLabel) -> String {
    procedures[label.procedure].info[label.node].label
  }

  /// The value of the cell with a name; traps on a name that is not there.
  func value(_ name: String, in state: [Int]) -> Int {
    let cell = cells.firstIndex { $0.name == name }!
    return state[cell] + cells[cell].low
  }
}

/// All states that the interpreter can reach, with the transitions out of each.
struct Graph {
  let program: Program
  private(set) var states: [[Int]] = []
  private(set) var transitions: [[Int]: [Transition]] = [:]

  init(_ program: Program, limit: Int = 200_000) throws {
    self.program = program
    let interpreter = Interpreter(program)
    var seen: Set<[Int]> = [program.initial]
    states = [program.initial]
    var head = 0
    while head < states.count, states.count < limit {
      let found = try interpreter.transitions(from: states[head])
      transitions[states[head]] = found
      for transition in found where seen.insert(transition.state).inserted {
        states.append(transition.state)
      }
      head += 1
    }
  }

  /// States in which no thread is inside a call.
  var idle: [[Int]] { states.filter { !program.isBusy($0) } }

  var all: [Transition] { states.flatMap { transitions[$0] ?? [] } }

  /// The answers that calls of an action end with.
  func outcomes(of action: String) -> Set<String> {
    var found: Set<String> = []
    for transition in all {
      guard let outcome = transition.label.outcome,
        program.procedures[transition.label.procedure].action.name == action
      else { continue }
      found.insert(program.outcomes[outcome].name)
    }
    return found
  }

  /// The values that a cell takes in the given states.
  func values(_ cell: String, _ states: [[Int]]? = nil) -> Set<Int> {
    Set((states ?? self.states).map { program.value(cell, in: $0) })
  }
}
