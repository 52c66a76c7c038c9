/// One way to put the calls of threads together: one thread goes first, is preempted once, and goes
/// on when the others are done or wait for it.
///
/// With two threads this is every interleaving that has one switch that nothing forces. It finds
/// what goes wrong when all of one call happens between two steps of another.
final class Preemption: @unchecked Sendable {
  private let first: Int
  private let limit: Int
  private var current: Int
  private var isOver = false
  /// How many points the first thread passed before it was preempted, or ended.
  private(set) var passed = 0

  /// - Parameters:
  ///   - first: the thread that begins.
  ///   - limit: how many points it passes before the others come; `Int.max` for never.
  init(first: Int, after limit: Int) {
    self.first = first
    self.limit = limit
    current = first
  }

  /// Who goes on. Called by one thread at a time.
  func choose(_ ready: [Int], _ step: Int) -> Int {
    if step > 0, current == first, !isOver {
      if passed == limit {
        isOver = true
        current = ready.first { $0 != first } ?? first
      } else {
        passed += 1
      }
    }
    if !ready.contains(current) {
      // Whoever is forced to leave comes back in its turn; the first one last.
      current = ready.first { $0 != first } ?? first
    }
    return current
  }
}

/// The ways to put the calls of threads together, one after another.
struct PreemptionPlan: Sendable {
  /// For each thread, how many points it passes when it goes first and is not preempted; known
  /// after that was tried.
  private var points: [Int] = []

  /// The attempt-th way; nil when there are no more, or when the attempts before it were not made.
  func way(_ attempt: Int, threads: Int) -> (first: Int, after: Int)? {
    guard attempt >= threads else { return (attempt, Int.max) }
    guard points.count == threads else { return nil }
    var rest = attempt - threads
    for first in 0..<threads {
      if rest < points[first] { return (first, rest) }
      rest -= points[first]
    }
    return nil
  }

  /// Takes down what an attempt without preemption showed.
  mutating func learn(_ attempt: Int, threads: Int, passed: Int) {
    if attempt == 0 { points = [] }
    if attempt < threads, points.count == attempt { points.append(passed) }
  }
}
