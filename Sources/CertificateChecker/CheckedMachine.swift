import Foundation

/// The machine of a certificate, with what the certificate says about it; every number is in range.
struct CheckedMachine {
  let spec: String
  let suite: String
  let k: Int
  let states: Int
  /// Each input as canonical JSON text.
  let inputs: [String]
  /// Each output: the expectation and the sights as canonical JSON text.
  let outputs: [String]
  let cover: [[Int]]
  let words: [[Int]]
  /// By pair of states, the smaller first.
  private(set) var separators: [Int: Int] = [:]
  private(set) var assumed: Set<Int> = []
  private var targets: [Int]
  private var given: [Int]

  /// - Throws: a problem of the form or the machine.
  init(_ json: [String: Any]) throws(CertificateProblem) {
    let fields = JSONFields(json, "certificate")
    guard try fields.number("format") == 1, try fields.text("claim") == "k-A-complete" else {
      throw CertificateProblem(.form, "the certificate is not of format 1 and k-A-complete")
    }
    spec = try fields.text("spec")
    suite = try fields.text("suite")
    k = try fields.number("k")
    states = try fields.number("states")
    guard k >= 0, k <= 16, states >= 1, states <= 1 << 20 else {
      throw CertificateProblem(.form, "k is not from 0 to 16, or there are no states")
    }
    inputs = try fields.list("inputs").map { CanonicalJSON.text($0) }
    let answers = try fields.list("outputs")
    outputs = answers.map { CanonicalJSON.text($0) }
    guard Set(inputs).count == inputs.count, !inputs.isEmpty else {
      throw CertificateProblem(.machine, "two inputs are the same, or there is none")
    }
    try Self.checkDistinct(answers, outputs)
    targets = [Int](repeating: -1, count: states * inputs.count)
    given = targets
    cover = try fields.rows("cover", below: inputs.count)
    words = try fields.rows("words", below: inputs.count)
    try readTransitions(fields)
    try readPairs(fields)
  }

  /// One answer must not count as two outputs: a "success" accepts every value that "ok" names.
  private static func checkDistinct(
    _ answers: [Any], _ texts: [String]
  ) throws(CertificateProblem) {
    guard Set(texts).count == texts.count else {
      throw CertificateProblem(.machine, "two outputs are the same")
    }
    let expectations = answers.map { ($0 as? [String: Any])?["expect"] }
    let hasAnySuccess = expectations.contains { $0 as? String == "success" }
    let hasValue = expectations.contains { ($0 as? [String: Any])?["ok"] != nil }
    if hasAnySuccess && hasValue {
      throw CertificateProblem(.machine, "the output \"success\" includes another output")
    }
  }

  private mutating func readTransitions(_ fields: JSONFields) throws(CertificateProblem) {
    for row in try fields.rows("transitions", below: .max) {
      guard row.count == 4, row[0] < states, row[1] < inputs.count, row[2] < outputs.count,
        row[3] < states
      else { throw CertificateProblem(.machine, "the transition \(row) is out of range") }
      let cell = row[0] * inputs.count + row[1]
      guard targets[cell] < 0 else {
        throw CertificateProblem(.machine, "state \(row[0]) has input \(row[1]) twice")
      }
      targets[cell] = row[3]
      given[cell] = row[2]
    }
  }

  private mutating func readPairs(_ fields: JSONFields) throws(CertificateProblem) {
    for row in try fields.rows("apart", below: .max) {
      guard row.count == 3, row[0] < row[1], row[1] < states, row[2] < words.count,
        separators.updateValue(row[2], forKey: pair(row[0], row[1])) == nil
      else { throw CertificateProblem(.separation, "apart has the row \(row)") }
    }
    for row in try fields.rows("assumed", below: .max) {
      guard row.count == 2, row[0] < row[1], row[1] < states,
        assumed.insert(pair(row[0], row[1])).inserted
      else { throw CertificateProblem(.separation, "assumed has the row \(row)") }
    }
  }

  /// The number of a pair of states.
  func pair(_ a: Int, _ b: Int) -> Int { min(a, b) * states + max(a, b) }

  /// The output and the next state; nil where the input is undefined.
  func step(_ state: Int, _ input: Int) -> (output: Int, next: Int)? {
    let cell = state * inputs.count + input
    return targets[cell] < 0 ? nil : (given[cell], targets[cell])
  }

  /// Whether the word is defined in both states and its last output differs.
  func separates(_ word: [Int], _ left: Int, _ right: Int) -> Bool {
    var (a, b) = (left, right)
    var differs = false
    for input in word {
      guard let one = step(a, input), let other = step(b, input) else { return false }
      differs = one.output != other.output
      (a, b) = (one.next, other.next)
    }
    return differs
  }
}
