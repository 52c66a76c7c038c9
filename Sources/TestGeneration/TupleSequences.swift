/// Sequences in which every t different inputs occur in every order, not always one after the
/// other, as far as the machine allows (sequence covering arrays, t-way).
///
/// Greedy at first: each sequence makes each input at most once, next always the one that completes
/// the most new tuples. What is left gets a shortest sequence each, or has none.
/// Memory: inputs to the power of t bytes.
struct TupleSequences {
  private(set) var sequences: [[Int]] = []
  /// How many tuples are covered, and how many there are.
  private(set) var covered = 0
  let total: Int

  private let machine: Mealy
  private let size: Int
  private var seen: [Bool]
  /// By input: how many tuples that begin with it are not covered.
  private var unseenFirst: [Int]

  /// - Parameter size: 2 or 3.
  init(_ machine: Mealy, size: Int) {
    self.machine = machine
    self.size = size
    let count = machine.inputCount
    total = (0..<size).reduce(1) { $0 * max(0, count - $1) }
    seen = [Bool](repeating: false, count: (0..<size).reduce(1) { product, _ in product * count })
    unseenFirst = [Int](repeating: count == 0 ? 0 : total / count, count: count)
    while covered < total {
      let sequence = permutation()
      guard note(sequence) > 0 else { break }
      sequences.append(sequence)
    }
    for tuple in seen.indices where covered < total && !seen[tuple] {
      let inputs = inputs(of: tuple)
      guard Set(inputs).count == size, let sequence = shortest(inputs) else { continue }
      _ = note(sequence)
      sequences.append(sequence)
    }
  }

  private func inputs(of tuple: Int) -> [Int] {
    var rest = tuple
    var result: [Int] = []
    for _ in 0..<size {
      result.append(rest % machine.inputCount)
      rest /= machine.inputCount
    }
    return result.reversed()
  }

  /// Each input at most once.
  private func permutation() -> [Int] {
    var sequence: [Int] = []
    var isUsed = [Bool](repeating: false, count: machine.inputCount)
    var state = 0
    while true {
      var best: (input: Int, worth: (Int, Int), next: Int)?
      for input in 0..<machine.inputCount where !isUsed[input] {
        guard let next = machine.next(state, input) else { continue }
        var gain = 0
        forEachTuple(endingWith: input, after: sequence[...]) { if !seen[$0] { gain += 1 } }
        let worth = (gain, unseenFirst[input])
        if best.map({ worth > $0.worth }) ?? true { best = (input, worth, next) }
      }
      guard let best else { return sequence }
      sequence.append(best.input)
      isUsed[best.input] = true
      state = best.next
    }
  }

  /// A shortest sequence in which the inputs occur in this order; nil when there is none.
  private func shortest(_ inputs: [Int]) -> [Int]? {
    struct Visit {
      let state: Int
      let done: Int
      let from: Int
      let by: Int
    }
    let stages = inputs.count + 1
    var isKnown = [Bool](repeating: false, count: machine.stateCount * stages)
    var visits = [Visit(state: 0, done: 0, from: -1, by: -1)]
    isKnown[0] = true
    var head = 0
    while head < visits.count {
      let visit = visits[head]
      if visit.done == inputs.count {
        var path: [Int] = []
        var place = head
        while place > 0 {
          path.append(visits[place].by)
          place = visits[place].from
        }
        return path.reversed()
      }
      for input in 0..<machine.inputCount {
        guard let next = machine.next(visit.state, input) else { continue }
        let done = visit.done + (input == inputs[visit.done] ? 1 : 0)
        guard !isKnown[next * stages + done] else { continue }
        isKnown[next * stages + done] = true
        visits.append(Visit(state: next, done: done, from: head, by: input))
      }
      head += 1
    }
    return nil
  }

  /// The numbers of the tuples of different inputs that the input completes.
  private func forEachTuple(
    endingWith input: Int, after sequence: ArraySlice<Int>, _ body: (Int) -> Void
  ) {
    let count = machine.inputCount
    for (place, first) in sequence.enumerated() where first != input {
      if size == 2 {
        body(first * count + input)
        continue
      }
      for second in sequence[(sequence.startIndex + place + 1)...]
      where second != input && second != first {
        body((first * count + second) * count + input)
      }
    }
  }

  /// Marks what a sequence covers.
  ///
  /// - Returns: how many tuples are new.
  private mutating func note(_ sequence: [Int]) -> Int {
    var found: [Int] = []
    for (place, input) in sequence.enumerated() {
      forEachTuple(endingWith: input, after: sequence[..<place]) { found.append($0) }
    }
    let before = covered
    for tuple in found where !seen[tuple] {
      seen[tuple] = true
      covered += 1
      unseenFirst[inputs(of: tuple)[0]] -= 1
    }
    return covered - before
  }
}
