import ArgumentParser

/// What a gate runs, as a file says: lines of a stage, its time budget in seconds, and what tdxspec
/// is called with. Lines that begin with `#` are comments.
struct GatePlan {
  /// One call of tdxspec.
  struct Step: Hashable {
    let stage: String
    /// Seconds until it is ended without an answer.
    let budget: Int
    let arguments: [String]

    var text: String { arguments.joined(separator: " ") }
  }

  let steps: [Step]

  /// - Throws: what is wrong, with the file and the line.
  init(_ text: String, path: String) throws {
    var steps: [Step] = []
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
      guard let stage = words.first, !stage.hasPrefix("#") else { continue }
      guard words.count >= 3, let budget = Int(words[1]), budget > 0 else {
        throw ValidationError(
          "\(path):\(number + 1): a line has a stage, its seconds from 1, and a command of tdxspec")
      }
      guard words[2] != "gate" else {
        throw ValidationError("\(path):\(number + 1): a gate does not run gates")
      }
      steps.append(Step(stage: stage, budget: budget, arguments: Array(words[2...])))
    }
    guard !steps.isEmpty else { throw ValidationError("\(path): it runs nothing") }
    self.steps = steps
  }

  /// The stages in the order of their first steps.
  var stages: [String] {
    var seen: Set<String> = []
    return steps.map(\.stage).filter { seen.insert($0).inserted }
  }
}
