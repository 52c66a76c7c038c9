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

  private var program: Program { graph.program }
  private let threads: Int

  /// - Throws: `outOfMemory` when 8 bytes for each state and thread are too much.
  public init(_ graph: ExploredGraph<E>, _ variables: [NamedVariable]) throws(SearchError) {
    self.graph = graph
    self.variables = variables
    threads = graph.program.threadCount
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
    var missing = Set(ends.values)
    for state in 0..<graph.stateCount where !missing.isEmpty {
      let edges = graph.edges(of: state)
      for edge in edges {
        guard let answer = ends[graph.kind(edge)], missing.remove(answer) != nil else { continue }
        firstEnds[answer] = (state, edge - edges.lowerBound)
      }
    }
  }

  /// A shortest run that ends with the answer.
  public func shortestRun(to answer: CallAnswer) -> [Int]? {
    firstEnds[answer].map { graph.shortestRun(to: $0.state) + [$0.ordinal] }
  }

  // MARK: Begins

  /// Adds what the variables of one group of rows say.
  private func fill(_ rows: RowBits<E>) throws(SearchError) {
    var origins: PageArray<UInt64>
    do throws(StoreError) {
      origins = try PageArray(minimumCapacity: max(1, graph.stateCount * threads))
    } catch {
      throw .outOfMemory(states: graph.stateCount)
    }
    var begun: [Int: UInt64] = [:]
    var byEnd = [UInt64](repeating: 0, count: graph.kinds.count)
    for state in 0..<graph.stateCount {
      rows.enter(state)
      for edge in graph.edges(of: state) {
        let number = graph.kind(edge)
        let kind = graph.kinds[number]
        guard kind.begins else { continue }
        let mask = rows.mask(number)
        begun[kind.procedure, default: 0] |= mask
        if kind.outcome != nil {
          byEnd[number] |= mask
        } else if let thread = kind.thread {
          origins.base[graph.target(edge) * threads + thread] |= mask
        }
      }
    }
    while propagate(&origins, &byEnd) {}
    for (procedure, mask) in begun { self.begun[procedure, default: []].formUnion(rows.rows(mask)) }
    for (number, answer) in ends {
      answered[answer, default: []].formUnion(rows.rows(byEnd[number]))
    }
  }

  /// Passes on what each state knows to its successors.
  ///
  /// - Returns: whether anything is new.
  private func propagate(_ origins: inout PageArray<UInt64>, _ byEnd: inout [UInt64]) -> Bool {
    var isNew = false
    let actors = graph.kinds.map { $0.thread ?? -1 }
    let stops = graph.kinds.map { $0.outcome != nil }
    let base = origins.base
    for state in 0..<graph.stateCount {
      let own = base + state * threads
      for edge in graph.edges(of: state) {
        let number = graph.kind(edge)
        let actor = actors[number]
        let next = base + graph.target(edge) * threads
        for thread in 0..<threads where own[thread] != 0 {
          if thread == actor, stops[number] {
            byEnd[number] |= own[thread]
          } else if own[thread] & ~next[thread] != 0 {
            next[thread] |= own[thread]
            isNew = true
          }
        }
      }
    }
    return isNew
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
