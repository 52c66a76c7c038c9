/// For each state the sequences that tell it from the others: harmonised, so that for each two
/// states one common sequence is among those of both (Petrenko, Yevtushenko; peers §4.1).
struct Identifiers {
  /// By state, in the order in which they were chosen.
  private(set) var words: [[[Int]]]
  /// The pairs that no defined sequence separates, the smaller first.
  private(set) var alike: [[Int]] = []
  /// Every sequence that separates some pair, once.
  private(set) var pool: [[Int]] = []
  private var numbers: [[Int]: Int] = [:]
  /// By pair: the number of the sequence that separates it, or -1.
  private var apart: [Int32]
  /// How many states an adaptive sequence alone tells from all others.
  private(set) var adaptive = 0

  /// - Parameter usesAdaptive: whether to look for an adaptive distinguishing sequence first; what
  ///   it leaves together is told apart by sequences for pairs ("hybrid ADS").
  init(_ machine: Mealy, usesAdaptive: Bool) {
    let count = machine.stateCount
    words = [[[Int]]](repeating: [], count: count)
    apart = [Int32](repeating: -1, count: count * count)
    let separating = SeparatingWords(machine)
    if usesAdaptive {
      let tree = AdaptiveSequence(machine, separating)
      for state in 0..<count where !tree.words[state].isEmpty {
        words[state].append(tree.words[state])
      }
    }
    for left in 0..<count {
      for right in left + 1..<max(count, left + 1) { separate(machine, separating, left, right) }
    }
    if usesAdaptive { adaptive = words.count { $0.count == 1 } }
  }

  private mutating func separate(
    _ machine: Mealy, _ separating: SeparatingWords, _ left: Int, _ right: Int
  ) {
    // What both have already costs nothing; then what one has is given to the other.
    for own in words[left] {
      guard let word = machine.separatingPrefix(of: own, left, right) else { continue }
      if words[right].contains(where: { $0.starts(with: word) }) {
        note(word, left, right)
        return
      }
    }
    for (own, other) in [(left, right), (right, left)] {
      for known in words[own] {
        guard let word = machine.separatingPrefix(of: known, left, right) else { continue }
        add(word, to: other)
        note(word, left, right)
        return
      }
    }
    guard let word = separating.word(left, right) else {
      alike.append([left, right])
      return
    }
    add(word, to: left)
    add(word, to: right)
    note(word, left, right)
  }

  private mutating func note(_ word: [Int], _ left: Int, _ right: Int) {
    let number = numbers[word, default: pool.count]
    if number == pool.count {
      numbers[word] = number
      pool.append(word)
    }
    apart[left * words.count + right] = Int32(number)
  }

  /// The number in the pool of what separates two states, the smaller first.
  func separator(_ left: Int, _ right: Int) -> Int? {
    let number = apart[left * words.count + right]
    return number < 0 ? nil : Int(number)
  }

  /// Adds a sequence; one that it continues is no longer needed.
  private mutating func add(_ word: [Int], to state: Int) {
    words[state].removeAll { word.starts(with: $0) }
    words[state].append(word)
  }
}

/// An adaptive distinguishing sequence as far as one is found: each state's inputs depend on the
/// outputs that it gave before (Lee, Yannakakis).
///
/// A set of states that no sequence for two of its members splits without making others alike is
/// left together; that can happen although a longer search would find a way.
struct AdaptiveSequence {
  /// By state: its inputs.
  private(set) var words: [[Int]]
  private let machine: Mealy

  init(_ machine: Mealy, _ separating: SeparatingWords) {
    self.machine = machine
    words = [[Int]](repeating: [], count: machine.stateCount)
    var open = [(0..<machine.stateCount).map { Place(origin: $0, now: $0) }]
    while let block = open.popLast() {
      guard block.count > 1, let word = choose(block, separating) else { continue }
      open += split(block, by: word)
    }
  }

  /// A state that the sequence began in, and where it is now.
  private struct Place {
    let origin: Int
    var now: Int
  }

  /// Looks at no more pairs than this: more seldom give better sequences.
  private static var mostPairs: Int { 64 }

  /// The sequence for a pair of the block that splits it into the most parts.
  private func choose(_ block: [Place], _ separating: SeparatingWords) -> [Int]? {
    var best: (word: [Int], parts: Int)?
    var seen: Set<[Int]> = []
    let step = max(1, block.count / 8)
    let some = stride(from: 0, to: block.count, by: step).map { block[$0].now }
    var pairs = 0
    for left in some {
      for right in some where right < left {
        pairs += 1
        guard pairs <= Self.mostPairs, let word = separating.word(left, right),
          seen.insert(word).inserted
        else { continue }
        let parts = self.parts(block, word)
        if parts > best?.parts ?? 1 { best = (word, parts) }
      }
    }
    return best?.word
  }

  /// How many parts the word splits the block into; 0 when it is undefined somewhere, or makes
  /// two states alike that gave the same outputs.
  private func parts(_ block: [Place], _ word: [Int]) -> Int {
    var outputs: Set<[Int]> = []
    var ends: Set<[Int]> = []
    for place in block {
      guard let (trace, end) = trace(place.now, word) else { return 0 }
      outputs.insert(trace)
      guard ends.insert(trace + [end]).inserted else { return 0 }
    }
    return outputs.count
  }

  private func trace(_ state: Int, _ word: [Int]) -> ([Int], Int)? {
    var state = state
    var outputs: [Int] = []
    for input in word {
      guard let next = machine.next(state, input) else { return nil }
      outputs.append(machine.output(state, input))
      state = next
    }
    return (outputs, state)
  }

  private mutating func split(_ block: [Place], by word: [Int]) -> [[Place]] {
    var groups: [[Int]: [Place]] = [:]
    for place in block {
      guard let (outputs, end) = trace(place.now, word) else { continue }
      words[place.origin] += word
      groups[outputs, default: []].append(Place(origin: place.origin, now: end))
    }
    return groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value)
  }
}
