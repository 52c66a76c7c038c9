/// A few tests that show what all of them show: those that are needed anyway, then again and again
/// the one that shows most of what is missing, for its length.
///
/// What a test shows are reasons for answers with the SEAMCALLs; of calls that are made aside also
/// the calls. Time: the number of tests that are kept times that of all.
struct SmallestCover {
  /// The numbers of the tests, in order.
  let kept: [Int]

  init(_ tests: [LifeTests.Test]) {
    var missing = tests.map(\.counted)
    var kept: [Int] = []
    func keep(_ number: Int) {
      kept.append(number)
      let shown = missing[number]
      for other in missing.indices { missing[other].subtract(shown) }
    }
    for number in tests.indices where tests[number].isNeeded { keep(number) }
    while let best = Self.best(missing, tests) { keep(best) }
    self.kept = kept.sorted()
  }

  private static func best(_ missing: [Set<UInt64>], _ tests: [LifeTests.Test]) -> Int? {
    var best: Int?
    for number in missing.indices where !missing[number].isEmpty {
      guard let other = best else {
        best = number
        continue
      }
      // What each shows, divided by its length, without fractions.
      let own = missing[number].count * tests[other].steps.count
      if own > missing[other].count * tests[number].steps.count { best = number }
    }
    return best
  }
}
