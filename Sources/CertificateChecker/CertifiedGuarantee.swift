/// What a suite finds, shown from its certificate alone.
///
/// Let A be the cover, T the tree of the tests, and L the nodes of T that a sequence of A and at
/// most k more calls lead to. The suite finds every implementation that differs from the machine
/// and whose states, as far as defined calls reach them, are all reached by sequences that lead
/// to L, if
///
/// 1. from each node of L every input that the machine defines there is in T, and
/// 2. each node p that one call leads to out of L is apart in T from each node r in L of another
///    state: some word follows both in T, and the machine answers differently to it.
///
/// For an implementation that passes all tests, take the pairs of a node's state in the machine and
/// in the implementation, over all nodes of L. By 1 each pair's answers agree. A call out of L
/// leads to p; the implementation is then in a state that some r in L leads to as well, so that p
/// and r are not apart, and by 2 of one state of the machine: the pair is there already. So the
/// implementation answers as the machine does, for ever. (After Vaandrager and Melse, CONCUR 2025,
/// for machines that are not defined everywhere.)
public struct CertifiedGuarantee: Hashable, Sendable {
  public let spec: String
  public let suite: String
  public let k: Int
  /// How many states the machine has; as many sequences are in the cover.
  public let states: Int
  public let inputs: Int
  public let tests: Int
  /// How many pairs of nodes were found apart.
  public let pairs: Int
  /// How many pairs of states it is taken that the implementation keeps apart.
  public let assumed: Int

  /// Checks a suite against its certificate, both as JSON.
  ///
  /// Time: the nodes that are reached with k + 1 calls times those with k.
  ///
  /// - Throws: the first condition that fails.
  public init(certificate: [UInt8], suite: [UInt8]) throws(CertificateProblem) {
    let machine = try CheckedMachine(try JSONFields.object(certificate, "certificate"))
    try Self.checkCover(machine)
    try Self.checkSeparation(machine)
    let tree = try TestTree(try JSONFields.object(suite, "suite"), machine)
    let (near, border) = try Self.layers(machine, tree)
    pairs = try Self.checkApart(machine, tree, near, border)
    spec = machine.spec
    self.suite = machine.suite
    k = machine.k
    states = machine.states
    inputs = machine.inputs.count
    tests = tree.testCount
    assumed = machine.assumed.count
  }

  private static func checkCover(_ machine: CheckedMachine) throws(CertificateProblem) {
    guard machine.cover.count == machine.states, machine.cover.first == [] else {
      throw CertificateProblem(.cover, "not every state has a sequence, or the first is not empty")
    }
    for (state, sequence) in machine.cover.enumerated() {
      var reached: Int? = 0
      for input in sequence { reached = reached.flatMap { machine.step($0, input)?.next } }
      guard reached == state else {
        throw CertificateProblem(.cover, "the sequence for state \(state) does not lead to it")
      }
    }
  }

  private static func checkSeparation(_ machine: CheckedMachine) throws(CertificateProblem) {
    for left in 0..<machine.states {
      for right in (left + 1)..<max(machine.states, left + 1) {
        let pair = machine.pair(left, right)
        guard let number = machine.separators[pair] else {
          if machine.assumed.contains(pair) { continue }
          throw CertificateProblem(.separation, "nothing separates states \(left) and \(right)")
        }
        guard machine.separates(machine.words[number], left, right) else {
          throw CertificateProblem(
            .separation, "word \(number) does not separate states \(left) and \(right)")
        }
      }
    }
  }

  /// The nodes within k calls of the cover, and those one call further.
  private static func layers(
    _ machine: CheckedMachine, _ tree: TestTree
  ) throws(CertificateProblem) -> (near: [Int], border: [Int]) {
    var layer: [Int] = []
    for (state, sequence) in machine.cover.enumerated() {
      guard let node = tree.node(sequence) else {
        throw CertificateProblem(.coverage, "no test goes to state \(state) by the cover")
      }
      layer.append(node)
    }
    var near = Set(layer)
    for step in 0...machine.k {
      var next: Set<Int> = []
      for node in layer {
        for input in machine.inputs.indices where machine.step(tree.stateOf[node], input) != nil {
          guard let child = tree.child(node, input) else {
            throw CertificateProblem(
              .coverage,
              "no test makes call \(input) in state \(tree.stateOf[node]), "
                + "\(step) calls from the cover")
          }
          next.insert(child)
        }
      }
      layer = Array(next.subtracting(near))
      if step < machine.k { near.formUnion(layer) }
    }
    return (near.sorted(), layer.sorted())
  }

  private static func checkApart(
    _ machine: CheckedMachine, _ tree: TestTree, _ near: [Int], _ border: [Int]
  ) throws(CertificateProblem) -> Int {
    // Whether a word follows a node is asked for many pairs.
    var follows: [Int: Bool] = [:]
    func has(_ node: Int, _ word: Int) -> Bool {
      let key = node * machine.words.count + word
      if let known = follows[key] { return known }
      let result = tree.node(machine.words[word], from: node) != nil
      follows[key] = result
      return result
    }
    var pairs = 0
    for p in border {
      for r in near where tree.stateOf[p] != tree.stateOf[r] {
        // A pair without a word is assumed; that every other has one is checked before.
        guard let word = machine.separators[machine.pair(tree.stateOf[p], tree.stateOf[r])]
        else { continue }
        guard has(p, word), has(r, word) else {
          throw CertificateProblem(
            .coverage,
            "word \(word) does not follow both a sequence to state "
              + "\(tree.stateOf[p]) and one to state \(tree.stateOf[r])")
        }
        pairs += 1
      }
    }
    return pairs
  }
}
