/// A set of numbers as sorted ranges that do not touch.
struct IntervalSet: Hashable {
  private(set) var ranges: [Range<UInt64>] = []

  func contains(_ number: UInt64) -> Bool { ranges.contains { $0.contains(number) } }

  /// Whether every number of the range is in the set.
  func covers(_ range: Range<UInt64>) -> Bool {
    range.isEmpty
      || ranges.contains { $0.lowerBound <= range.lowerBound && $0.upperBound >= range.upperBound }
  }

  func overlaps(_ range: Range<UInt64>) -> Bool { ranges.contains { $0.overlaps(range) } }

  mutating func insert(_ range: Range<UInt64>) {
    guard !range.isEmpty else { return }
    let touching = ranges.filter {
      $0.lowerBound <= range.upperBound && $0.upperBound >= range.lowerBound
    }
    let low = min(range.lowerBound, touching.first?.lowerBound ?? range.lowerBound)
    let high = max(range.upperBound, touching.last?.upperBound ?? range.upperBound)
    ranges.removeAll { touching.contains($0) }
    let place = ranges.firstIndex { $0.lowerBound > low } ?? ranges.count
    ranges.insert(low..<high, at: place)
  }

  mutating func remove(_ range: Range<UInt64>) {
    ranges = ranges.flatMap { old -> [Range<UInt64>] in
      guard old.overlaps(range) else { return [old] }
      let low = old.lowerBound..<max(old.lowerBound, range.lowerBound)
      let high = min(old.upperBound, range.upperBound)..<old.upperBound
      return [low, high].filter { !$0.isEmpty }
    }
  }
}

/// The pages from one address to another; none when the second is not above the first.
func pages(from start: UInt64, to end: UInt64) -> Range<UInt64> {
  start >> 12..<max(start, end) >> 12
}

/// Frames of private memory that the host can give away.
struct FrameAllocator {
  private var next: UInt64
  private let end: UInt64
  private var free: [UInt64] = []

  init(_ region: ModulePlatform.Region) {
    next = region.base
    end = region.base + region.size
  }

  /// A free frame, or nil when there is none.
  mutating func take() -> UInt64? {
    if let frame = free.popLast() { return frame }
    guard next < end else { return nil }
    defer { next += 4096 }
    return next
  }

  mutating func give(_ frame: UInt64) { free.append(frame) }
}
