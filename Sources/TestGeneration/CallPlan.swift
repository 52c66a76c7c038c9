/// The sequences of a suite, as inputs of a machine, with what they guarantee.
public struct CallPlan: Sendable {
  /// In order; none is the beginning of another, but for random walks.
  public let sequences: [[Int]]
  /// What the first sequences are for, where the criterion says it.
  public let purposes: [String]
  /// How many of the sequences, at the end, are random walks.
  public let walks: Int
  /// What running all of them shows.
  public let guarantee: String
  /// What that takes for granted.
  public let hypotheses: [String]
  /// What a certificate is made from; nil for a criterion that has none.
  let certified: CertifiedSequences?

  /// How many calls the sequences have in all.
  public var callCount: Int { sequences.reduce(0) { $0 + $1.count } }

  /// Sequences that meet a criterion.
  public init(_ writer: SuiteWriter, _ options: PlanOptions) throws(PlanError) {
    guard options.criterion == .checks else {
      try self.init(writer.certain.machine, options)
      return
    }
    let found = CheckCoverage(writer.machine, writer.program.checks)
    let guarantee =
      "gives each of \(found.answers) answers, by each check that refuses; in \(found.twins) "
      + "cases with a twin that differs in one argument and passes that check; shows the "
      + "order of \(found.orders) pairs of checks that two arguments break at once"
    try self.init(
      writer.certain.machine, options, found.samples.map(\.sequence), guarantee, nil,
      purposes: found.samples.map(\.purpose))
  }

  /// Sequences that meet a criterion which looks at a machine alone.
  ///
  /// - Parameter machine: one whose states can all be reached.
  init(_ machine: Mealy, _ options: PlanOptions) throws(PlanError) {
    let limit = options.mostCalls
    let sequences: [[Int]]
    let guarantee: String
    switch options.criterion {
    case .tour:
      sequences = TransitionTour(machine, resetCost: options.resetCost).sequences
      guarantee = "takes each of the \(machine.transitionCount) transitions"
    case .nSwitch(let n):
      var line = machine
      for _ in 0..<n {
        guard line.transitionCount <= limit else { throw .tooLong(limit: limit) }
        line = line.line
      }
      guard line.transitionCount <= limit else { throw .tooLong(limit: limit) }
      sequences = TransitionTour(line, resetCost: options.resetCost).sequences
      guarantee = "takes every \(n + 1) transition\(n == 0 ? "" : "s") in a row"
    case .tuples(let t):
      let tuples = TupleSequences(machine, size: t)
      sequences = tuples.sequences
      guarantee =
        "makes \(tuples.covered) of \(tuples.total) \(t)-tuples of different calls in their order"
        + (tuples.covered < tuples.total ? "; no sequence of calls makes the others" : "")
    case .certified(let k, let adaptive):
      let found = try CertifiedSequences(machine, k: k, adaptive: adaptive, limit)
      try self.init(machine, options, found.sequences, found.guarantee, found)
      return
    case .random, .checks, .parallel, .deviations:
      sequences = []
      guarantee = "guarantees nothing: random walks"
    }
    try self.init(machine, options, sequences, guarantee, nil)
  }

  /// The sequences with random walks after them.
  private init(
    _ machine: Mealy, _ options: PlanOptions, _ sequences: [[Int]], _ guarantee: String,
    _ certified: CertifiedSequences?, purposes: [String] = []
  ) throws(PlanError) {
    let isRandom = options.criterion == .random
    let walks = machine.walks(
      isRandom ? max(1, options.walks) : options.walks, length: options.walkLength,
      seed: options.seed)
    let limit = options.mostCalls
    guard (sequences + walks).reduce(0, { $0 + $1.count }) <= limit else {
      throw .tooLong(limit: limit)
    }
    self.sequences = sequences + walks
    self.walks = walks.count
    self.guarantee = guarantee
    self.certified = certified
    self.purposes = purposes
    hypotheses = Self.hypotheses(certified)
  }

  private static func hypotheses(_ certified: CertifiedSequences?) -> [String] {
    var result = [
      "a fresh start brings the implementation to its initial state",
      "the implementation gives the same answers to the same calls",
    ]
    guard let certified else { return result }
    result.append(
      "each state that these calls bring it to is reached by a sequence of the cover and at most "
        + "\(certified.k) more call\(certified.k == 1 ? "" : "s")")
    if !certified.identifiers.alike.isEmpty {
      result.append(
        "it keeps apart \(certified.identifiers.alike.count) pairs of states that no sequence of "
          + "calls with certain answers tells apart (listed in the certificate)")
    }
    return result
  }
}

/// The suite that is complete for machines whose states are near those of the specification:
/// cover × up to k + 1 calls × what identifies the state (HSI; Vaandrager, Melse, CONCUR 2025).
struct CertifiedSequences {
  let k: Int
  let machine: Mealy
  /// The sequence to each state.
  let cover: [[Int]]
  let identifiers: Identifiers
  private(set) var sequences: [[Int]] = []

  /// Pairs of states take memory: 4 bytes each for two tables.
  static var mostStates: Int { 4_000 }

  init(_ machine: Mealy, k: Int, adaptive: Bool, _ limit: Int) throws(PlanError) {
    guard machine.stateCount <= Self.mostStates else {
      throw .tooManyStates(machine.stateCount, limit: Self.mostStates)
    }
    self.k = k
    self.machine = machine
    cover = machine.accessSequences.compactMap { $0 }
    identifiers = Identifiers(machine, usesAdaptive: adaptive)
    guard let size = estimate(limit), size <= limit else { throw .tooLong(limit: limit) }
    var tree = SequenceTree()
    for (state, path) in cover.enumerated() { grow(&tree, path, state, k + 1) }
    sequences = tree.leaves
  }

  private func grow(_ tree: inout SequenceTree, _ path: [Int], _ state: Int, _ more: Int) {
    if identifiers.words[state].isEmpty { tree.insert(path) }
    for word in identifiers.words[state] { tree.insert(path + word) }
    guard more > 0 else { return }
    for input in machine.defined(state) {
      guard let next = machine.next(state, input) else { continue }
      grow(&tree, path + [input], next, more - 1)
    }
  }

  /// How many calls the last layer has; nil when that is beyond the limit.
  private func estimate(_ limit: Int) -> Int? {
    var layer = cover.map { _ in 1 }
    for _ in 0...k {
      var next = layer.map { _ in 0 }
      for state in layer.indices where layer[state] > 0 {
        for input in machine.defined(state) {
          guard let to = machine.next(state, input) else { continue }
          next[to] += layer[state]
          if next[to] > limit { return nil }
        }
      }
      layer = next
    }
    var total = 0
    for (state, count) in layer.enumerated() {
      total += count * max(1, identifiers.words[state].count)
      if total > limit { return nil }
    }
    return total
  }

  var guarantee: String {
    "finds every implementation that answers differently from the specification and whose states "
      + "are each reached by one of \(cover.count) sequences and at most \(k) more "
      + "call\(k == 1 ? "" : "s") (complete for U_k^A with k = \(k), |A| = \(cover.count))"
  }
}
