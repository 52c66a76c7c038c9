import SpecLanguage
import SpecProgram

/// A value of a variable, as the row of a table.
public struct StateRow: Hashable, Sendable {
  /// Index into the variables that the survey was made for.
  public let variable: Int
  /// The value's code in the variable's cells.
  public let code: Int

  public init(variable: Int, code: Int) {
    self.variable = variable
    self.code = code
  }
}

/// Which answers calls get, by what some variables were when the call began; read off the graph.
///
/// A call may take many steps, and others change the state in between: what counts is the state
/// before its first step. For each state and thread, the values that its call may have begun with
/// are propagated until nothing changes; a call's end then shows what its answer belongs to. That
/// is exact: whether a run ends a call depends on nothing but the state before, so every value
/// that reaches that state is one that the answer was given for.
public final class CallSurvey<E: Engine> {
  public let graph: ExploredGraph<E>
  public let variables: [NamedVariable]
  /// By procedure: the rows that it began in.
  public private(set) var begun: [Int: Set<StateRow>] = [:]
  /// By procedure and answer: the rows that it began in.
  public private(set) var answered: [CallAnswer: Set<StateRow>] = [:]
  /// For each answer of each procedure: a state, and which of its transitions ends the call, at
  /// the end of a shortest run.
  public private(set) var firstEnds: [CallAnswer: (state: Int, ordinal: Int)] = [:]

  /// By called action, such as a SEAMCALL: the rows that it began in, wherever it was called.
  public private(set) var calledBegun: [String: Set<StateRow>] = [:]
  /// By called action and answer: the rows that it began in.
  public private(set) var calledAnswered: [CalledAnswer: Set<StateRow>] = [:]

  /// The same as `firstEnds` for called actions.
  public private(set) var firstCalledEnds: [CalledAnswer: (state: Int, ordinal: Int)] = [:]

  private let called: CalledSteps

  /// - Throws: `outOfMemory` when 8 bytes for each state and thread are too much.
  public init(_ graph: ExploredGraph<E>, _ variables: [NamedVariable]) throws(SearchError) {
    self.graph = graph
    self.variables = variables
    called = CalledSteps(graph.program)
    for (number, kind) in graph.kinds.enumerated() {
      if let outcome = kind.outcome {
        ends[number] = CallAnswer(procedure: kind.procedure, outcome: outcome)
      }
    }
    findFirstEnds()
    for rows in RowBits.groups(graph, variables) { try fill(rows) }
  }

  private var ends: [Int: CallAnswer] = [:]

  private func findFirstEnds() {
    var calledEnds: [Int: CalledAnswer] = [:]
    for (number, kind) in graph.kinds.enumerated() {
      guard let step = called.step(kind), let answer = step.answer else { continue }
      calledEnds[number] = CalledAnswer(called: step.called, outcome: answer)
    }
    for state in 0..<graph.stateCount {
      let edges = graph.edges(of: state)
      for edge in edges {
        let place = (state, edge - edges.lowerBound)
        let number = graph.kind(edge)
        if let answer = ends[number], firstEnds[answer] == nil { firstEnds[answer] = place }
        if let answer = calledEnds[number], firstCalledEnds[answer] == nil {
          firstCalledEnds[answer] = place
        }
      }
    }
  }

  /// A shortest run that ends with the answer of a called action.
  public func shortestRun(to answer: CalledAnswer) -> [Int]? {
    firstCalledEnds[answer].map { graph.shortestRun(to: $0.state) + [$0.ordinal] }
  }

  /// A shortest run that ends with the answer.
  public func shortestRun(to answer: CallAnswer) -> [Int]? {
    firstEnds[answer].map { graph.shortestRun(to: $0.state) + [$0.ordinal] }
  }

  // MARK: Begins

  /// Adds what the variables of one group of rows say.
  private func fill(_ rows: RowBits<E>) throws(SearchError) {
    let calls = graph.kinds.map {
      OriginFlow<E>.Step(actor: $0.thread, begins: $0.begins, ends: $0.outcome != nil)
    }
    let flow = try OriginFlow(graph, rows, calls)
    for (number, kind) in graph.kinds.enumerated() where kind.begins {
      begun[kind.procedure, default: []].formUnion(rows.rows(flow.begun[number]))
    }
    for (number, answer) in ends {
      answered[answer, default: []].formUnion(rows.rows(flow.ended[number]))
    }
    let inner = graph.kinds.map { kind in
      let step = called.step(kind)
      return OriginFlow<E>.Step(
        actor: kind.thread, begins: step?.begins ?? false, ends: step?.answer != nil)
    }
    let innerFlow = try OriginFlow(graph, rows, inner)
    for (number, kind) in graph.kinds.enumerated() {
      guard let step = called.step(kind) else { continue }
      if step.begins {
        calledBegun[step.called, default: []].formUnion(rows.rows(innerFlow.begun[number]))
      }
      guard let answer = step.answer else { continue }
      calledAnswered[CalledAnswer(called: step.called, outcome: answer), default: []].formUnion(
        rows.rows(innerFlow.ended[number]))
    }
  }

  // MARK: Witnesses

  /// A shortest run that ends with the answer of a call that began in the row.
  ///
  /// - Returns: `nil` when there is none.
  public func shortestRun(to answer: CallAnswer, begunIn row: StateRow) -> [Int]? {
    guard let rows = RowBits.groups(graph, variables).first(where: { $0.bit(row) != nil }),
      let bit = rows.bit(row)
    else { return nil }
    return OriginSearch(graph, rows, bit, answer).run()
  }
}

/// An answer of a call.
public struct CallAnswer: Hashable, Sendable {
  /// Index of the procedure.
  public let procedure: Int
  /// Index into the program's outcomes.
  public let outcome: Int

  public init(procedure: Int, outcome: Int) {
    self.procedure = procedure
    self.outcome = outcome
  }
}

/// An answer of a called action.
public struct CalledAnswer: Hashable, Sendable {
  public let called: String
  public let outcome: Outcome
}
