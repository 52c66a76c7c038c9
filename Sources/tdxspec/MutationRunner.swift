import SpecLanguage
import Verdicts

/// What became of one mutation.
struct MutationAnswer {
  enum Word: String {
    case caught = "CAUGHT"
    case missed = "MISSED"
    case harmless = "HARMLESS"
    case flagged = "FLAGGED"
    /// Some verdict that matters is missing.
    case unknown = "UNKNOWN"
  }

  let spec: String
  let mutation: Mutation
  let word: Word
  /// The properties that hold without the mutation and break with it, with their steps.
  let broken: [(id: String, steps: Int?)]
  /// The properties that were to break and did not.
  let missed: [String]
  let states: Int
  let seconds: Double

  var exit: ExitStatus {
    switch word {
    case .caught, .harmless: .success
    case .missed, .flagged: .failure
    case .unknown: .noAnswer
    }
  }

  var text: String {
    let space = String(repeating: " ", count: 10 - word.rawValue.count)
    var out = "\(word.rawValue)\(space)\(mutation.id): \(mutation.text)\n"
    let found = broken.map { id, steps in steps.map { "\(id) in \($0) steps" } ?? id }
    let scope = mutation.scope.map { "scope \($0)" } ?? "default scope"
    out += "          \(scope), \(states) states: "
    out += found.isEmpty ? "nothing breaks\n" : "breaks \(found.joined(separator: ", "))\n"
    if !missed.isEmpty {
      out += "          NOT broken, though it should be: \(missed.joined(separator: ", "))\n"
    }
    return out
  }

  var event: JSONValue {
    .members([
      "event": "mutation", "spec": .string(spec), "mutation": .string(mutation.id),
      "text": .string(mutation.text), "answer": .string(word.rawValue),
      "scope": mutation.scope.map { .string($0) },
      "breaks": .array(
        broken.map { id, steps in
          .members(["property": .string(id), "steps": steps.map { .int($0) }])
        }),
      "missed": .array(missed.map { .string($0) }),
      "states": .int(states), "seconds": .double(seconds),
    ])
  }
}

/// Searches a spec with each of its mutations, and without.
struct MutationRunner {
  let spec: SpecDescription
  let options: SearchOptions
  /// What is searched: a `LeadsTo` needs the full graph, so it is asked only where it must break.
  private struct Key: Hashable {
    let scope: String?
    let isAboutEnds: Bool
  }

  /// The verdicts without a mutation.
  private var sound: [Key: [String: Verdict]] = [:]
  private var answers: [MutationAnswer] = []

  init(spec: SpecDescription, options: SearchOptions) {
    self.spec = spec
    self.options = options
  }

  mutating func run(_ mutation: Mutation) throws -> MutationAnswer {
    let ends = spec.properties.filter { mutation.caughtBy.contains($0.id) && $0.isLiveness }
    let isAboutEnds = !ends.isEmpty
    let before = try verdictsWithout(Key(scope: mutation.scope, isAboutEnds: isAboutEnds))
    let mutated = try SpecLookup.mutated(spec, by: mutation)
    let report = try check(mutated, Key(scope: mutation.scope, isAboutEnds: isAboutEnds))
    var broken: [(id: String, steps: Int?)] = []
    var open = false
    for answer in report.properties {
      guard let sound = before[answer.property.id], sound.exitCode != .failure else { continue }
      switch answer.verdict.exitCode {
      case _ where sound.exitCode == .noAnswer: open = true
      case .failure: broken.append((answer.property.id, answer.trace?.steps.count))
      case .success: break
      default: open = true
      }
    }
    let missed = mutation.caughtBy.filter { id in !broken.contains { $0.id == id } }
    let word: MutationAnswer.Word =
      if mutation.caughtBy.isEmpty {
        !broken.isEmpty ? .flagged : open ? .unknown : .harmless
      } else {
        missed.isEmpty ? .caught : open ? .unknown : .missed
      }
    let answer = MutationAnswer(
      spec: spec.name, mutation: mutation, word: word, broken: broken, missed: missed,
      states: report.states, seconds: report.seconds)
    answers.append(answer)
    return answer
  }

  private mutating func verdictsWithout(_ key: Key) throws -> [String: Verdict] {
    if let known = sound[key] { return known }
    let report = try check(spec, key)
    let found = Dictionary(
      uniqueKeysWithValues: report.properties.map { ($0.property.id, $0.verdict) })
    sound[key] = found
    return found
  }

  private func check(_ spec: SpecDescription, _ key: Key) throws -> SpecReport {
    try CheckRunner(
      spec: spec, scope: key.scope, overrides: [:], options: options, properties: [],
      stopAtFirst: false, kind: key.isAboutEnds ? nil : .safety
    ).run().report
  }

  /// Which property notices which mutation.
  var table: String {
    var ids: [String] = []
    for id in answers.flatMap({ $0.broken.map(\.id) }) where !ids.contains(id) { ids.append(id) }
    guard !ids.isEmpty else { return "" }
    let width = (answers.map(\.mutation.id.count).max() ?? 0) + 2
    var out = "\n" + String(repeating: " ", count: width) + ids.joined(separator: "  ") + "\n"
    for answer in answers {
      let name = answer.mutation.id
      out += name + String(repeating: " ", count: width - name.count)
      let marks = ids.map { id in
        let mark = answer.broken.contains { $0.id == id } ? "x" : "."
        return mark + String(repeating: " ", count: id.count - 1)
      }
      out += marks.joined(separator: "  ") + "\n"
    }
    return out
  }
}
