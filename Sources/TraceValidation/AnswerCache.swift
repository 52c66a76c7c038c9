/// Answers that a spec gave, for replays that ask again: long traces repeat themselves.
final class AnswerCache {
  struct Key: Hashable {
    let state: [Int]
    let action: String
    let values: [String: KVMCall.Value]
  }

  private var answers: [Key: (GmemReplay.Result, [Int]?)] = [:]
  private var settled: [[Int]: [Int]] = [:]

  /// More are forgotten together.
  private static let most = 4096

  /// - Parameter carriedOut: what the call comes to, and the state after it.
  func answer(
    _ key: Key, _ carriedOut: () -> (GmemReplay.Result, [Int]?)
  ) -> (GmemReplay.Result, [Int]?) {
    if let known = answers[key] { return known }
    if answers.count >= Self.most { answers = [:] }
    let made = carriedOut()
    answers[key] = made
    return made
  }

  /// What a state is once what the kernel puts off is done.
  func settled(_ state: [Int], _ settling: () -> [Int]) -> [Int] {
    if let known = settled[state] { return known }
    if settled.count >= Self.most { settled = [:] }
    let made = settling()
    settled[state] = made
    return made
  }
}
