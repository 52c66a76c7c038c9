/// A shortest sequence that tells each two states apart, for all pairs of a machine's states.
///
/// Memory: 4 bytes a pair. Time: pairs × inputs × the length of the longest sequence.
struct SeparatingWords {
  private let machine: Mealy
  /// The first input of the pair's sequence, plus 1; 0 when nothing separates it.
  private var first: [Int32]

  init(_ machine: Mealy) {
    self.machine = machine
    let count = machine.stateCount
    first = [Int32](repeating: 0, count: count * (count - 1) / 2)
    var open: [(Int, Int)] = []
    for left in 0..<count {
      for right in 0..<left {
        if let input = immediate(left, right) {
          first[index(left, right)] = Int32(input + 1)
        } else {
          open.append((left, right))
        }
      }
    }
    // A round finds the pairs whose sequence is one longer than in the round before.
    while true {
      var found: [(index: Int, input: Int)] = []
      var rest: [(Int, Int)] = []
      for (left, right) in open {
        if let input = step(left, right) {
          found.append((index(left, right), input))
        } else {
          rest.append((left, right))
        }
      }
      for (index, input) in found { first[index] = Int32(input + 1) }
      if found.isEmpty { break }
      open = rest
    }
  }

  private func index(_ left: Int, _ right: Int) -> Int {
    let (high, low) = left > right ? (left, right) : (right, left)
    return high * (high - 1) / 2 + low
  }

  private func immediate(_ left: Int, _ right: Int) -> Int? {
    (0..<machine.inputCount).first { input in
      machine.next(left, input) != nil && machine.next(right, input) != nil
        && machine.output(left, input) != machine.output(right, input)
    }
  }

  private func step(_ left: Int, _ right: Int) -> Int? {
    (0..<machine.inputCount).first { input in
      guard let a = machine.next(left, input), let b = machine.next(right, input), a != b
      else { return false }
      return first[index(a, b)] != 0
    }
  }

  /// The sequence for two different states; nil when no defined sequence separates them.
  func word(_ left: Int, _ right: Int) -> [Int]? {
    var word: [Int] = []
    var a = left
    var b = right
    while true {
      let input = Int(first[index(a, b)]) - 1
      guard input >= 0 else { return nil }
      word.append(input)
      guard machine.output(a, input) == machine.output(b, input),
        let nextA = machine.next(a, input), let nextB = machine.next(b, input)
      else { return word }
      (a, b) = (nextA, nextB)
    }
  }
}
