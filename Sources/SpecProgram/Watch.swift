/// Evaluates monitors on many states: most conditions are alternatives of memberships, which an
/// index answers 64 at a time; the others run code.
final class Watch {
  /// Up to 64 alternatives, each belonging to a monitor.
  private struct Part {
    var index: ConjunctionIndex
    /// The monitors of the alternatives, as bit masks.
    var owners: UnsafeMutablePointer<UInt64>
    var count: Int
    /// The alternatives of active monitors.
    var live: UInt64 = 0
  }

  private let parts: UnsafeMutablePointer<Part>
  private let partCount: Int
  /// The monitors that run code, and where it starts.
  private let coded: [(monitor: UInt64, start: Int32)]
  private let words: Int
  private let scratch: UnsafeMutablePointer<UInt64>
  /// What `live` was made for.
  private var active: UInt64 = 0

  /// Alternatives of one monitor; with more, code that stops early is better.
  private static var most: Int { 128 }

  init(_ formulas: [Formula], _ layout: StateLayout, _ compiler: inout MaskCompiler) {
    var found: [(owner: UInt64, one: Conjunction)] = []
    var coded: [(monitor: UInt64, start: Int32)] = []
    for (index, formula) in formulas.enumerated() {
      let bit: UInt64 = 1 << UInt64(index)
      let some = formula.alternatives(atMost: Self.most) {
        ConjunctionIndex.canHold(layout.fields[$0])
      }
      if let some {
        found += some.map { (bit, $0) }
      } else {
        let start = compiler.condition(formula, yes: compiler.accept, no: compiler.reject)
        coded.append((bit, start))
      }
    }
    var parts: [Part] = []
    for start in stride(from: 0, to: found.count, by: 64) {
      let slice = found[start..<min(start + 64, found.count)]
      parts.append(
        Part(
          index: ConjunctionIndex([slice.map(\.one)], layout),
          owners: GuardTable.copy(slice.map(\.owner)), count: slice.count))
    }
    self.parts = GuardTable.copy(parts)
    partCount = parts.count
    self.coded = coded
    words = layout.words
    scratch = GuardTable.copy([UInt64](repeating: 0, count: layout.words))
  }

  /// Which of the active monitors hold in each of `count` states.
  ///
  /// - Returns: whether any does anywhere.
  func observe(
    _ states: UnsafePointer<UInt64>, _ count: Int, _ code: MaskCode, active: UInt64,
    into seen: UnsafeMutablePointer<UInt64>
  ) -> Bool {
    if active != self.active { activate(active) }
    seen.update(repeating: 0, count: count)
    var any: UInt64 = 0
    for number in 0..<partCount where parts[number].live != 0 {
      any |=
        words == 1
        ? observe(parts + number, states, count, into: seen, words: 1)
        : observe(parts + number, states, count, into: seen, words: words)
    }
    for (monitor, start) in coded where active & monitor != 0 {
      for index in 0..<count where code.run(start, states + index &* words, scratch) {
        seen[index] |= monitor
        any |= monitor
      }
    }
    return any != 0
  }

  @inline(__always)
  private func observe(
    _ part: UnsafePointer<Part>, _ states: UnsafePointer<UInt64>, _ count: Int,
    into seen: UnsafeMutablePointer<UInt64>, words: Int
  ) -> UInt64 {
    let index = part.pointee.index
    let live = part.pointee.live
    var any: UInt64 = 0
    var state = 0
    while state < count {
      var hits = index.answer(0, states + state &* words, words: words) & live
      while hits != 0 {
        seen[state] |= part.pointee.owners[hits.trailingZeroBitCount]
        any |= 1
        hits &= hits &- 1
      }
      state &+= 1
    }
    return any
  }

  private func activate(_ active: UInt64) {
    self.active = active
    for number in 0..<partCount {
      var live: UInt64 = 0
      for bit in 0..<parts[number].count where parts[number].owners[bit] & active != 0 {
        live |= 1 << UInt64(bit)
      }
      parts[number].live = live
    }
  }

  deinit {
    for number in 0..<partCount {
      parts[number].index.deallocate()
      parts[number].owners.deallocate()
    }
    parts.deallocate()
    scratch.deallocate()
  }
}
