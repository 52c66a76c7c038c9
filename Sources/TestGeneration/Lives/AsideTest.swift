import ConformanceKit

/// A test with calls aside at one place of a life, in its parts.
///
/// The calls change nothing, so that others can be made between them: tests at one place whose
/// other calls are the same become one.
struct AsideTest {
  /// Which of the tests it is.
  var number = 0
  private let before: ArraySlice<ConformanceTest.Step>
  private var asides: [ConformanceTest.Step]
  /// Calls that look what those have changed.
  private var looks: [ConformanceTest.Step]
  private let after: ArraySlice<ConformanceTest.Step>

  /// Nil for a test that has no such calls.
  init?(_ test: DeviationTest) {
    guard let asides = test.asides else { return nil }
    let end = test.looks?.upperBound ?? asides.upperBound
    before = test.steps[..<asides.lowerBound]
    self.asides = Array(test.steps[asides])
    looks = test.looks.map { Array(test.steps[$0]) } ?? []
    after = test.steps[end...]
  }

  var steps: [ConformanceTest.Step] { before + asides + looks + after }

  /// Takes the calls of the other test in; false, and nothing, when its other calls are not the
  /// same.
  mutating func take(_ other: AsideTest) -> Bool {
    guard before == other.before, after == other.after else { return false }
    asides += other.asides
    looks += other.looks.filter { !looks.contains($0) }
    return true
  }
}
