import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// What a finished search can say about the spec itself.
struct Notes {
  private let program: Program
  private let result: SearchResult

  init(_ program: Program, _ result: SearchResult) {
    self.program = program
    self.result = result
  }

  var all: [SpecNote] {
    let remarks = SpecLint(program.spec).remarks.map {
      SpecNote($0.code, $0.message, at: $0.location)
    }
    // What was not reached says something only when everything was.
    return remarks + trivial + (result.end == .exhausted ? neverEnabled + neverRefused : [])
  }

  private var trivial: [SpecNote] {
    program.properties.filter { !$0.isBuiltIn && program.isTrivial($0) }.map {
      SpecNote(
        "TDX4005", "\($0.property.id) is true whatever the state", at: $0.property.location)
    }
  }

  private var neverEnabled: [SpecNote] {
    let taken = Set(result.coverage.filter { $0.value > 0 }.map { $0.key.procedure })
    return program.spec.actions.enumerated().filter { !taken.contains($0.offset) }.map {
      SpecNote("TDX4003", "\($0.element.name) is never enabled", at: $0.element.location)
    }
  }

  private var neverRefused: [SpecNote] {
    let refused = Set(result.coverage.filter { $0.value > 0 }.compactMap { $0.key.refusedBy })
    var notes: [SpecNote] = []
    var seen: Set<String> = []
    for (index, check) in program.checks.enumerated() where !refused.contains(index) {
      // A called action is unrolled at each call; one that refuses anywhere is not dead.
      let key = "\(check.location)\(check.outcome.name)"
      let elsewhere = program.checks.indices.contains {
        refused.contains($0) && program.checks[$0].location == check.location
      }
      guard !elsewhere, seen.insert(key).inserted else { continue }
      notes.append(
        SpecNote(
          "TDX4004",
          "no state makes \(check.action) answer \(check.outcome.text): “\(check.text)” holds",
          at: check.location))
    }
    return notes
  }
}
