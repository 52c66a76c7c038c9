import Documents
import Explorer
import SpecLanguage
import SpecProgram
import Testing

/// The cells of outcome tables and their witnesses against a walk with the interpreter.
@Suite struct OutcomeTests {
  /// What a plain walk finds: for each call, value and answer the fewest steps to it.
  struct Walk {
    struct Key: Hashable {
      let call: String
      let value: String
      let answer: String
    }
    private struct Item: Hashable {
      let state: [Int]
      /// The thread whose call is watched, with the values that it began in; none yet for `nil`.
      let watched: Int?
      let value: String
    }
    var answers: [Key: Int] = [:]
    var begun: Set<Key> = []

    /// - Parameter index: for an indexed variable which cells count, by the argument's value;
    ///   all when the call has no argument.
    init(_ program: Program, _ variable: String) throws {
      let interpreter = Interpreter(program)
      var known: [[Int]: [Transition]] = [:]
      let start = Item(state: program.initial, watched: nil, value: "")
      var seen: Set<Item> = [start]
      var layer = [start]
      var depth = 0
      while !layer.isEmpty {
        depth += 1
        var next: [Item] = []
        for item in layer {
          let transitions = try known[item.state] ?? interpreter.transitions(from: item.state)
          known[item.state] = transitions
          for transition in transitions {
            for successor in step(program, variable, item, transition, depth)
            where seen.insert(successor).inserted {
              next.append(successor)
            }
          }
        }
        layer = next
      }
    }

    private mutating func step(
      _ program: Program, _ variable: String, _ item: Item, _ transition: Transition, _ depth: Int
    ) -> [Item] {
      let label = transition.label
      let call = program.actionName(label.procedure)
      let answer = label.outcome.map { program.outcomes[$0].text }
      func note(_ value: String) {
        let key = Key(call: call, value: value, answer: answer ?? "")
        if answer != nil, answers[key] == nil { answers[key] = depth }
      }
      if let watched = item.watched {
        if label.thread != watched {
          return [Item(state: transition.state, watched: watched, value: item.value)]
        }
        note(item.value)
        return answer != nil
          ? [] : [Item(state: transition.state, watched: watched, value: item.value)]
      }
      var result = [Item(state: transition.state, watched: nil, value: "")]
      guard label.thread == nil || label.source == 0 else { return result }
      let arguments = label.choice.prefix(program.argumentCount(label))
      for value in Self.values(program, variable, Array(arguments), item.state) {
        begun.insert(Key(call: call, value: value, answer: ""))
        if answer != nil {
          note(value)
        } else if let thread = label.thread {
          result.append(Item(state: transition.state, watched: thread, value: value))
        }
      }
      return result
    }

    /// By names of cells: `phase[s1]` for the argument s1, every `phase[…]` without one.
    private static func values(
      _ program: Program, _ variable: String, _ arguments: [Int], _ state: [Int]
    ) -> Set<String> {
      var result: Set<String> = []
      for (index, cell) in program.cells.enumerated() {
        let isOne = cell.name == variable
        let isOfArgument = arguments.first.map { cell.name.hasSuffix("\($0)]") } ?? true
        guard isOne || (cell.name.hasPrefix(variable + "[") && isOfArgument) else { continue }
        result.insert(program.value(of: index, in: state))
      }
      return result
    }
  }

  private func expectSame(_ program: Program, _ variable: String) throws {
    let survey = try Support.survey(program)
    let table = try #require(survey.tables.first { $0.variable.name == variable })
    let walk = try Walk(program, variable)
    #expect(!walk.answers.isEmpty)
    for column in table.columns {
      for (value, cell) in zip(table.values, column.cells) {
        let begun = walk.begun.contains { $0.call == column.call && $0.value == value }
        let answers = walk.answers.keys.filter {
          $0.call == column.call && $0.value == value
        }.map(\.answer)
        switch cell {
        case .neverBegun: #expect(!begun, "\(column.call) in \(value)")
        case .answers(let found):
          #expect(begun)
          #expect(Set(found.map(\.text)) == Set(answers), "\(column.call) in \(value)")
        }
      }
    }
  }

  @Test(arguments: ["phase", "open"])
  func cellsOfThreadedCallsAreThoseOfAWalk(_ variable: String) throws {
    try expectSame(Support.program(SlotSpec()), variable)
  }

  @Test func cellsOfTheTutorialAreThoseOfAWalk() throws {
    try expectSame(Support.program("tutorial/ticket-lock"), "taken")
  }

  @Test func cellsOfATeardownAreThoseOfAWalk() throws {
    try expectSame(
      Support.program("teardown/terminate-vm-lock-first", "small"), "td_lifecycle")
  }

  /// A SEAMCALL begins where its first step is taken, and is over when the thread stands outside.
  @Test func cellsOfSEAMCALLsAreThoseOfAWalk() throws {
    let program = try Support.program("teardown/terminate-vm-v4", "small")
    let steps = CalledSteps(program)
    let table = try #require(
      try Support.survey(program).called.first {
        $0.called == "TDH.MEM.PAGE.REMOVE" && $0.variable.name == "td_lifecycle"
      })
    let cell = try #require(program.cells.firstIndex { $0.name == "td_lifecycle" })
    #expect(steps.known.contains(table.called))
    var found: [String: Set<String>] = [:]
    let interpreter = Interpreter(program)
    var seen: Set<[Int]> = [program.initial]
    var queue = [program.initial]
    // It takes two steps: the lock is tried, then it completes or is refused.
    while let state = queue.popLast() {
      for first in try interpreter.transitions(from: state) {
        if seen.insert(first.state).inserted { queue.append(first.state) }
        let kind = program.kind(of: first.label)
        guard program.path(of: kind).last == table.called,
          program.entering(kind).contains(table.called), let thread = first.label.thread
        else { continue }
        let value = program.value(of: cell, in: state)
        found[value, default: []].formUnion(
          try answers(thread, first, table.called, program, interpreter))
      }
    }
    for (value, cell) in zip(table.values, table.cells) {
      switch cell {
      case .neverBegun: #expect(found[value] == nil)
      case .answers(let answers): #expect(Set(answers.map(\.text)) == found[value], "\(value)")
      }
    }
    #expect(found["TD_BLOCKED"] == ["TDX_TD_KEYS_NOT_CONFIGURED"])
  }

  /// What the call of the thread answers after its first step, whatever others do in between.
  private func answers(
    _ thread: Int, _ first: Transition, _ called: String, _ program: Program,
    _ interpreter: Interpreter
  ) throws -> Set<String> {
    if let check = first.label.refusedBy { return [program.checks[check].outcome.text] }
    var result: Set<String> = []
    var seen: Set<[Int]> = [first.state]
    var queue = [first.state]
    while let state = queue.popLast() {
      for next in try interpreter.transitions(from: state) {
        if next.label.thread != thread {
          if seen.insert(next.state).inserted { queue.append(next.state) }
        } else if let check = next.label.refusedBy {
          result.insert(program.checks[check].outcome.text)
        } else if program.place(of: thread, in: next.state)?.contains("\(called), ") != true {
          result.insert("ok")
        }
      }
    }
    return result
  }

  /// A witness ends with the answer, replays, and no run of the walk is shorter.
  @Test func witnessesAreShortestAndReplay() throws {
    let program = try Support.program(SlotSpec())
    let graph = try ExploredGraph(
      GuardTable(try GroundProgram(program), monitors: []), SearchLimits())
    let survey = try CallSurvey(graph, RowVariables(program).read)
    let table = try #require(try Support.survey(program).tables.first)
    #expect(table.variable.name == "phase")
    let walk = try Walk(program, "phase")
    for (key, steps) in walk.answers {
      let code = try #require(table.values.firstIndex(of: key.value))
      let outcome = try #require(program.outcomes.firstIndex { $0.text == key.answer })
      let procedure = try #require(program.procedure(of: key.call))
      let answer = CallAnswer(procedure: procedure, outcome: outcome)
      let found = survey.shortestRun(
        to: answer, begunIn: StateRow(variable: 0, code: code))
      let run = try #require(found)
      #expect(run.count == steps, "\(key)")
      let trace = try graph.trace(run)
      #expect(try Support.replays(trace, in: program))
      #expect(trace.steps.last?.label.outcome == outcome)
    }
    for answer in survey.firstEnds.keys {
      let least = walk.answers.filter {
        $0.key.call == program.actionName(answer.procedure)
          && $0.key.answer == program.outcomes[answer.outcome].text
      }.map(\.value).min()
      #expect(survey.shortestRun(to: answer)?.count == least)
    }
  }

  /// A search that was cut short shows nothing that does not happen.
  @Test func cellsOfABoundedSearchAreSomeOfThoseOfAFullOne() throws {
    let program = try Support.program("teardown/terminate-vm-v4", "small")
    let full = try Support.survey(program)
    let part = try Support.survey(program, maxStates: 3000)
    #expect(full.isComplete)
    #expect(!part.isComplete)
    for (all, some) in zip(full.tables, part.tables) {
      for (allOfCall, someOfCall) in zip(all.columns, some.columns) {
        for (known, seen) in zip(allOfCall.cells, someOfCall.cells) {
          guard case .answers(let answers) = seen else { continue }
          guard case .answers(let everything) = known else {
            Issue.record("a call began in a state that is not reached")
            continue
          }
          #expect(Set(answers).isSubset(of: everything))
        }
      }
    }
  }

  @Test func rowsAreRefusedThatAreNone() throws {
    let program = try Support.program(SlotSpec())
    #expect(throws: SpecError.self) { try RowVariables(program).named("nope") }
    #expect(throws: SpecError.self) { try RowVariables(program).named("big") }
    #expect(try RowVariables(program).named("open").name == "open")
    #expect(RowVariables(program).read.map(\.name) == ["phase", "open"])
  }
}
