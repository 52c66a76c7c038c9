import Explorer
import SpecLanguage
import SpecProgram

/// What a document says of a spec at a scope that takes its whole graph to know.
public struct SpecSurvey {
  public let program: Program
  /// How the exploration ended: unless it is exhausted, answers are missing.
  public let result: SearchResult
  public let tables: [OutcomeTable]
  /// For each called action the answers by the variables that its own checks read.
  public let called: [CalledTable]
  /// Every answer of every call that is reached, with a shortest run.
  public let examples: [AnswerExample]
  /// The same for called actions.
  public let calledExamples: [AnswerExample]
  let findWitness: (CallAnswer, StateRow) throws -> Trace?
  let findStep: ((StepKind) -> Bool) throws -> Trace?

  /// Explores without reductions, so that tables show what can happen and not what stands for it.
  ///
  /// - Parameter variables: those whose values are rows.
  /// - Throws: what a search throws.
  public init<E: Engine>(
    _ engine: E, _ variables: [NamedVariable], _ limits: SearchLimits,
    onProgress: ((SearchProgress) -> Void)? = nil
  ) throws {
    let graph = try ExploredGraph(engine, limits, onProgress: onProgress)
    let survey = try CallSurvey(graph, variables)
    program = engine.program
    result = graph.result
    tables = variables.indices.map { OutcomeTable(survey, variable: $0) }
    called = CalledTable.all(survey)
    examples = try AnswerExample.all(survey)
    calledExamples = try AnswerExample.allCalled(survey)
    findWitness = { answer, row in
      try survey.shortestRun(to: answer, begunIn: row).map(graph.trace)
    }
    findStep = { matches in
      let wanted = Set(graph.kinds.indices.filter { matches(graph.kinds[$0]) })
      for state in 0..<graph.stateCount where !wanted.isEmpty {
        let edges = graph.edges(of: state)
        if let edge = edges.first(where: { wanted.contains(graph.kind($0)) }) {
          return try graph.trace(graph.shortestRun(to: state) + [edge - edges.lowerBound])
        }
      }
      return nil
    }
  }

  /// Whether nothing is missing.
  public var isComplete: Bool { result.end == .exhausted }
}

/// A shortest run that ends with an answer of a call.
public struct AnswerExample: Sendable {
  /// The action's name.
  public let call: String
  public let answer: Outcome
  /// `nil` for a called action.
  let key: CallAnswer?
  public let trace: Trace

  static func allCalled<E: Engine>(_ survey: CallSurvey<E>) throws -> [AnswerExample] {
    let program = survey.graph.program
    let names = program.calledLocks.map(\.called).uniqued
    return try names.flatMap { name in
      try survey.firstCalledEnds.keys.filter { $0.called == name }.sorted {
        $0.outcome.sortKey < $1.outcome.sortKey
      }.compactMap { answer in
        guard let run = survey.shortestRun(to: answer) else { return nil }
        return AnswerExample(
          call: name, answer: answer.outcome, key: nil,
          trace: try survey.graph.trace(run))
      }
    }
  }

  static func all<E: Engine>(_ survey: CallSurvey<E>) throws -> [AnswerExample] {
    let program = survey.graph.program
    return try survey.firstEnds.keys.sorted {
      ($0.procedure, program.outcomes[$0.outcome].sortKey)
        < ($1.procedure, program.outcomes[$1.outcome].sortKey)
    }.compactMap { key in
      guard let run = survey.shortestRun(to: key) else { return nil }
      return AnswerExample(
        call: program.actionName(key.procedure), answer: program.outcomes[key.outcome], key: key,
        trace: try survey.graph.trace(run))
    }
  }
}

/// The answers of calls by the value that one variable had when they began.
public struct OutcomeTable: Sendable {
  /// What was reached of a call that began with a value.
  public enum Cell: Hashable, Sendable {
    /// No call began so.
    case neverBegun
    /// In order; none when no such call ended.
    case answers([Outcome])
  }

  public struct Column: Hashable, Sendable {
    /// The action's name.
    public let call: String
    /// What the row is a value of, such as `memslot[f]`.
    public let subject: String
    /// One for each value.
    public let cells: [Cell]
  }

  public let variable: NamedVariable
  public let values: [String]
  public private(set) var columns: [Column]
  let index: Int

  init<E: Engine>(_ survey: CallSurvey<E>, variable index: Int) {
    self.index = index
    let program = survey.graph.program
    let variable = survey.variables[index]
    self.variable = variable
    let values = Self.values(of: variable, in: program)
    let codes = values.indices
    self.values = values
    columns = program.spec.actions.enumerated().map { number, action in
      let zeros = action.arguments.map { _ in 0 }
      let subject = program.subject(of: variable, in: number, arguments: zeros)
      return Column(
        call: action.name, subject: subject?.text ?? variable.name,
        cells: codes.map { Self.cell(survey, number, StateRow(variable: index, code: $0)) })
    }
  }

  /// The same with the columns of some calls only.
  func keeping(_ isKept: (String) -> Bool) -> OutcomeTable {
    var copy = self
    copy.columns = columns.filter { isKept($0.call) }
    return copy
  }

  /// The values of one cell of the variable, by code.
  static func values(of variable: NamedVariable, in program: Program) -> [String] {
    let cell = program.cells.first { $0.role == .variable(variable.declaration.id) }
    return (0..<(cell?.count ?? 0)).map {
      Reading.value($0 + (cell?.low ?? 0), of: variable.declaration.type)
    }
  }

  private static func cell<E: Engine>(
    _ survey: CallSurvey<E>, _ procedure: Int, _ row: StateRow
  ) -> Cell {
    guard survey.begun[procedure]?.contains(row) == true else { return .neverBegun }
    let outcomes = survey.answered.filter {
      $0.key.procedure == procedure && $0.value.contains(row)
    }
    return .answers(
      outcomes.map { survey.graph.program.outcomes[$0.key.outcome] }.sorted {
        $0.sortKey < $1.sortKey
      })
  }
}

/// The answers of a called action by the value that one variable had when it began.
public struct CalledTable: Sendable {
  /// Such as `TDH.MNG.VPFLUSHDONE`.
  public let called: String
  /// One without an index: which element a called action is about is up to its caller.
  public let variable: NamedVariable
  public let values: [String]
  public let cells: [OutcomeTable.Cell]

  static func all<E: Engine>(_ survey: CallSurvey<E>) -> [CalledTable] {
    let program = survey.graph.program
    return program.calledLocks.map(\.called).uniqued.flatMap { name -> [CalledTable] in
      guard let begun = survey.calledBegun[name] else { return [] }
      let ids = RowVariables.read(byCalled: name, in: program.spec)
      return survey.variables.enumerated().compactMap { index, variable in
        guard variable.declaration.indices.isEmpty, ids.contains(variable.declaration.id)
        else { return nil }
        let values = OutcomeTable.values(of: variable, in: program)
        let cells = values.indices.map { code -> OutcomeTable.Cell in
          let row = StateRow(variable: index, code: code)
          guard begun.contains(row) else { return .neverBegun }
          let answers = survey.calledAnswered.filter {
            $0.key.called == name && $0.value.contains(row)
          }
          return .answers(answers.map(\.key.outcome).sorted { $0.sortKey < $1.sortKey })
        }
        return CalledTable(called: name, variable: variable, values: values, cells: cells)
      }
    }
  }
}

extension Outcome {
  /// Success first, then by name.
  var sortKey: String { kind == .success ? "" : name }
}
