/// A set of cell codes below a fixed count.
package struct ValueSet: Hashable, Sendable {
  package private(set) var words: [UInt64]
  package let count: Int

  /// The empty set of codes below `count`.
  init(count: Int) {
    self.count = count
    words = [UInt64](repeating: 0, count: (count + 63) / 64)
  }

  package init(count: Int, _ members: some Sequence<Int>) {
    self.init(count: count)
    for member in members where member >= 0 && member < count { insert(member) }
  }

  mutating func insert(_ code: Int) { words[code >> 6] |= 1 << UInt64(code & 63) }

  package func contains(_ code: Int) -> Bool {
    code >= 0 && code < count && words[code >> 6] >> UInt64(code & 63) & 1 == 1
  }

  var size: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
  var isEmpty: Bool { !words.contains { $0 != 0 } }
  var isFull: Bool { size == count }
  package var members: [Int] {
    var result: [Int] = []
    for (index, word) in words.enumerated() {
      var left = word
      while left != 0 {
        result.append(index * 64 + left.trailingZeroBitCount)
        left &= left - 1
      }
    }
    return result
  }

  func intersection(_ other: ValueSet) -> ValueSet {
    var copy = self
    for index in words.indices { copy.words[index] &= other.words[index] }
    return copy
  }

  func union(_ other: ValueSet) -> ValueSet {
    var copy = self
    for index in words.indices { copy.words[index] |= other.words[index] }
    return copy
  }

  package var complement: ValueSet {
    var copy = self
    for index in words.indices { copy.words[index] = ~words[index] }
    // Bits beyond the last code stay clear, so that equal sets have equal words.
    if count & 63 != 0 { copy.words[words.count - 1] &= (1 << UInt64(count & 63)) - 1 }
    return copy
  }
}
