import Explorer
import SpecLanguage
import SpecProgram
import Verdicts

/// Compares what is known of two specs.
struct DifferenceMaker {
  let a: ComparedSpec
  let b: ComparedSpec
  /// The names of actions that both have.
  let shared: [String]

  private var sides: [(side: Side, own: ComparedSpec, other: ComparedSpec)] {
    [(.a, a, b), (.b, b, a)]
  }

  // MARK: Calls and answers

  func calls() -> [SpecDifference.Call] {
    sides.flatMap { side, own, _ in
      own.spec.actions.map(\.name).filter { !shared.contains($0) }.map { name in
        // How it succeeds says more than how it is refused.
        let shortest = own.survey.examples.filter { $0.call == name }.min {
          ($0.answer.kind == .success ? 0 : 1, $0.trace.steps.count)
            < ($1.answer.kind == .success ? 0 : 1, $1.trace.steps.count)
        }
        return SpecDifference.Call(
          side: side, name: name, witness: shortest.map { witness(side, own, $0) })
      }
    }
  }

  private func witness(_ side: Side, _ own: ComparedSpec, _ example: AnswerExample) -> Witness {
    Witness(
      side: side, what: "\(example.call) answers \(example.answer.text)", program: own.program,
      trace: example.trace)
  }

  func answers() -> [SpecDifference.Answer] {
    func only(_ all: [AnswerExample], _ others: [AnswerExample]) -> [AnswerExample] {
      all.filter { example in
        !others.contains { $0.call == example.call && $0.answer == example.answer }
      }
    }
    return sides.flatMap { side, own, other -> [SpecDifference.Answer] in
      guard other.survey.isComplete else { return [] }
      let known = Set(other.survey.calledExamples.map(\.call))
      let calls = own.survey.examples.filter { shared.contains($0.call) }
      let called = own.survey.calledExamples.filter { known.contains($0.call) }
      let found =
        only(calls, other.survey.examples) + only(called, other.survey.calledExamples)
      return found.map {
        SpecDifference.Answer(
          side: side, call: $0.call, answer: $0.answer, row: nil, witness: witness(side, own, $0))
      }
    }
  }

  /// - Parameter wantsRun: whether a difference shall have a run that shows it.
  func cells(
    _ wantsRun: (Side, String, Outcome) -> Bool
  ) throws -> [SpecDifference.Answer] {
    var result: [SpecDifference.Answer] = []
    for first in a.survey.tables {
      let second = b.survey.tables.first {
        $0.variable.name == first.variable.name && $0.values == first.values
      }
      guard let second else { continue }
      for call in shared {
        let columns = [first, second].compactMap { $0.columns.first { $0.call == call } }
        guard columns.count == 2, columns[0].subject == columns[1].subject else { continue }
        for row in first.values.indices {
          let cells = columns.map { $0.cells[row].all }
          let only = [
            cells[0].filter { !cells[1].contains($0) }, cells[1].filter { !cells[0].contains($0) },
          ]
          result += try cell(.a, first, columns[0], row, only[0], wantsRun)
          result += try cell(.b, second, columns[1], row, only[1], wantsRun)
        }
      }
    }
    return result
  }

  /// Answers that only one spec gives to calls that begin in a row.
  private func cell(
    _ side: Side, _ table: OutcomeTable, _ column: OutcomeTable.Column, _ row: Int,
    _ answers: [Outcome], _ wantsRun: (Side, String, Outcome) -> Bool
  ) throws -> [SpecDifference.Answer] {
    let (own, other) = side == .a ? (a, b) : (b, a)
    guard other.survey.isComplete else { return [] }
    let value = table.values[row]
    return try answers.map { answer in
      let key =
        !wantsRun(side, column.call, answer)
        ? nil
        : own.survey.examples.first {
          $0.call == column.call && $0.answer == answer
        }?.key
      let trace = try key.flatMap {
        try own.survey.findWitness($0, StateRow(variable: table.index, code: row))
      }
      let what =
        "\(column.call), begun when \(column.subject) was \(value), answers \(answer.text)"
      return SpecDifference.Answer(
        side: side, call: column.call, answer: answer,
        row: (table.variable.name, column.subject, value),
        witness: trace.map { Witness(side: side, what: what, program: own.program, trace: $0) })
    }
  }

  // MARK: Checks

  func checks() -> [SpecDifference.Checks] {
    var result: [SpecDifference.Checks] = []
    // For each spec and called action: the forms that it is called in.
    var called: [[String: [[String]]]] = [[:], [:]]
    var order: [String] = []
    for name in shared {
      let lists = [a, b].compactMap { own in
        own.spec.actions.first { $0.name == name }.map { CheckList($0, of: own.spec) }
      }
      for (index, list) in lists.enumerated() {
        for entry in list.called {
          if !order.contains(entry.name) { order.append(entry.name) }
          let form = entry.items.map(\.line)
          let isKnown = called[index][entry.name]?.contains(form) == true
          if !isKnown { called[index][entry.name, default: []].append(form) }
        }
      }
      result += difference(name, lists[0].items.map(\.line), lists[1].items.map(\.line))
    }
    for name in order {
      guard let first = called[0][name], let second = called[1][name] else { continue }
      result += difference(name, first.flatMap { $0 }, second.flatMap { $0 })
    }
    return result
  }

  private func difference(
    _ name: String, _ first: [String], _ second: [String]
  ) -> [SpecDifference.Checks] {
    first == second
      ? [] : [SpecDifference.Checks(name: name, lines: LineDifference(first, second).lines)]
  }

  // MARK: Locks

  func locks() throws -> [SpecDifference.Locks] {
    let (first, second) = (a.program.calledLocks, b.program.calledLocks)
    func isSame(_ x: CalledLocks, _ y: CalledLocks) -> Bool {
      x.called == y.called && x.callers == y.callers
    }
    var rows = first.map { row in (a: CalledLocks?.some(row), b: second.first { isSame(row, $0) }) }
    rows += second.filter { row in !first.contains { isSame(row, $0) } }.map { (nil, $0) }
    return try rows.filter { $0.a != $0.b }.compactMap { row in
      guard let any = row.a ?? row.b, any.callers.first.map(shared.contains) == true else {
        return nil
      }
      let found = try [(Side.a, a, row.a), (.b, b, row.b)].compactMap { side, own, locks in
        try locks.flatMap { try witness(side, own, $0) }
      }
      return SpecDifference.Locks(
        called: any.called, callers: any.callers, a: row.a, b: row.b, witnesses: found)
    }
  }

  /// A shortest run that begins the call.
  private func witness(
    _ side: Side, _ own: ComparedSpec, _ locks: CalledLocks
  ) throws -> Witness? {
    let program = own.program
    let path = locks.callers + [locks.called]
    let trace = try own.survey.findStep {
      program.path(of: $0).starts(with: path) && program.entering($0).contains(locks.called)
    }
    let what = "\(locks.callers.joined(separator: " / ")) begins \(locks.called)"
    return trace.map { Witness(side: side, what: what, program: program, trace: $0) }
  }

  // MARK: Claims

  func claims() -> ([SpecDifference.Claim], [String]) {
    var result: [SpecDifference.Claim] = []
    var undecided: [String] = []
    for first in a.report.properties {
      let id = first.property.id
      guard let second = b.report.properties.first(where: { $0.property.id == id }) else {
        continue
      }
      if [first, second].contains(where: { $0.verdict.exitCode == .noAnswer }) {
        undecided.append(id)
      } else if first.verdict != second.verdict {
        let found = [(Side.a, a, first), (.b, b, second)].compactMap { side, own, answer in
          answer.trace.map {
            Witness(
              side: side, what: "\(id) is \(answer.verdict.rawValue)",
              program: answer.traced(in: own.report), trace: $0)
          }
        }
        result.append(
          SpecDifference.Claim(
            id: id, text: first.property.text, a: first, b: second, witnesses: found))
      }
    }
    return (result, undecided)
  }
}

extension OutcomeTable.Cell {
  /// The answers; none where no call began.
  fileprivate var all: [Outcome] {
    if case .answers(let answers) = self { answers } else { [] }
  }
}

extension CheckList.Item {
  /// One line that says all but the reason.
  var line: String {
    let condition = onlyIf.map { " (only if \($0))" } ?? ""
    switch kind {
    case .check: return "\(text), otherwise \(answer ?? "?")\(condition)"
    case .needs: return "needs: \(text)\(condition)"
    case .waits: return "waits for \(text)\(condition)"
    case .calls: return "calls \(text)\(condition)"
    }
  }
}
