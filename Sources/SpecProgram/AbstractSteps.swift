import SpecLanguage

/// The steps of an abstract spec that change its state, found by the interpreter once a state.
public struct AbstractSteps {
  /// A step, by the call that makes it.
  struct Step {
    let label: TransitionLabel
    let cells: [Int]
  }

  private let map: RefinementMap
  private let interpreter: Interpreter
  private var known: [AbstractState: [AbstractState: [Step]]] = [:]
  private var taken: Set<Int> = []
  /// Pairs of states that some step was found to lead between.
  private var pairs: Set<Pair> = []

  private struct Pair: Hashable {
    let before: AbstractState
    let after: AbstractState
  }

  public init(_ map: RefinementMap) {
    self.map = map
    interpreter = Interpreter(map.abstract)
  }

  /// Whether the abstract spec can go from one state to the other in one step. Ignores steps that
  /// change nothing: staying is always allowed and nobody asks.
  ///
  /// Expected O(1) once the pair is known.
  ///
  /// - Throws: `TDX3xxx` when a step of the abstract spec is not well defined.
  public mutating func allows(
    _ before: AbstractState, _ after: AbstractState
  ) throws(SpecError) -> Bool {
    if pairs.contains(Pair(before: before, after: after)) { return true }
    guard let steps = try steps(from: before)[after] else { return false }
    pairs.insert(Pair(before: before, after: after))
    taken.formUnion(steps.map(\.label.procedure))
    return true
  }

  /// By the state that they lead to.
  mutating func steps(
    from before: AbstractState
  ) throws(SpecError) -> [AbstractState: [Step]] {
    if let steps = known[before] { return steps }
    var steps: [AbstractState: [Step]] = [:]
    for transition in try interpreter.transitions(from: map.cells(of: before)) {
      let after = map.state(ofAbstract: transition.state)
      guard after != before else { continue }
      steps[after, default: []].append(Step(label: transition.label, cells: transition.state))
    }
    known[before] = steps
    return steps
  }

  /// How many different steps between abstract states were asked for and allowed.
  public var stepCount: Int { pairs.count }

  /// How many abstract states those steps connect, the initial one included.
  public var stateCount: Int {
    pairs.reduce(into: [map.initial] as Set) { $0.formUnion([$1.before, $1.after]) }.count
  }

  /// The actions of the abstract spec that no allowed step can have been, in order.
  public var neverTaken: [String] {
    map.abstract.spec.actions.indices.filter { !taken.contains($0) }.map {
      map.abstract.actionName($0)
    }
  }
}
