import SpecLanguage
import SpecProgram

/// The nearest passing twin for people.
struct TwinText {
  private let program: Program
  private let trace: Trace
  private let answer: TwinAnswer

  init(_ program: Program, _ trace: Trace, _ answer: TwinAnswer) {
    self.program = program
    self.trace = trace
    self.answer = answer
  }

  var lines: [String] {
    switch answer {
    case .none:
      return ["no passing twin: no steps moved and no call left out make these calls pass"]
    case .open(let tried):
      return ["no passing twin among the \(tried) changes that were tried"]
    case .found(let twin):
      var result = ["passes \(change(twin))"]
      if let difference = twin.difference {
        let line = TraceText(program, twin.trace).lines[difference.twinStep]
        result.append("  there step \(difference.step + 1) is: \(line.text)")
      }
      let changed = twin.cells.filter { !$0.isLock }.map {
        "\($0.cell) is \($0.after), not \($0.before)"
      }
      if !changed.isEmpty {
        result.append("  and when it has come as far, \(changed.joined(separator: ", "))")
      }
      return result
    }
  }

  private func change(_ twin: Twin) -> String {
    let own = TraceText(program, trace).lines
    func call(_ number: Int) -> String {
      let line = own[number]
      return line.thread.map { "thread \($0) (\(line.call))" } ?? "the event \(line.call)"
    }
    func moved(_ steps: Range<Int>) -> String {
      "\(numbers(Array(steps))) of \(call(steps.lowerBound)) \(steps.count == 1 ? "comes" : "come")"
    }
    switch twin.change {
    case .earlier(let steps, let before):
      return "when \(moved(steps)) before step \(before + 1)"
    case .later(let steps, let after):
      return "when \(moved(steps)) after step \(after + 1)"
    case .without(let steps):
      return "without \(numbers(steps)), the call of \(call(steps[0]))"
    }
  }

  /// `steps 4–6, 9`, counted from 1.
  private func numbers(_ steps: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for step in steps.map({ $0 + 1 }) {
      if let last = ranges.last, last.upperBound + 1 == step {
        ranges[ranges.count - 1] = last.lowerBound...step
      } else {
        ranges.append(step...step)
      }
    }
    let text = ranges.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)"
    }
    return "\(steps.count == 1 ? "step" : "steps") \(text.joined(separator: ", "))"
  }

  /// The member `twin` of a counterexample.
  var json: JSONValue {
    switch answer {
    case .none: return .members(["change": "none"])
    case .open(let tried): return .members(["change": "unknown", "tried": .int(tried)])
    case .found(let twin):
      let lines = TraceText(program, twin.trace).lines
      let (word, steps, place) = parts(twin.change)
      let difference = twin.difference.map { difference in
        JSONValue.members([
          "step": .int(difference.step + 1), "twin": lines[difference.twinStep].json,
        ])
      }
      return .members([
        "change": .string(word), "steps": .array(steps.map { .int($0 + 1) }),
        "place": place.map { .int($0 + 1) },
        "text": .string(change(twin)), "differs": difference,
        "cells": twin.cells.isEmpty ? nil : twin.cells.json,
        "counterparts": .int(twin.counterparts), "trace": .array(lines.map(\.json)),
      ])
    }
  }

  private func parts(_ change: Twin.Change) -> (word: String, steps: [Int], place: Int?) {
    switch change {
    case .earlier(let steps, let before): ("earlier", Array(steps), before)
    case .later(let steps, let after): ("later", Array(steps), after)
    case .without(let steps): ("without", steps, nil)
    }
  }
}
