import SpecLanguage

/// A procedure or one-step action, with every name resolved.
struct Procedure: Sendable {
  let index: Int
  let action: Action
  let nodes: [FlowNode<Term>]
  let info: [NodeInfo]
  let entry: Int
  /// Registers 0..<frame.count are what a thread remembers; the rest belong to quantifiers.
  let frame: [FrameEntry]
  /// For each frame entry: its first cell in the thread's frame, and how many (a set has several).
  let frameCells: [(offset: Int, setCount: Int?)]
  let frameSpans: [Int]
  let registerCount: Int
  /// The global location number of each node where a thread can stop; 0 elsewhere.
  let locationOfNode: [Int]
  /// The frame entries still needed at each node; the others are cleared when a thread stops.
  let live: [Set<Int>]
  let bounds: [BoundID: Int]
  let locals: [LocalID: Int]
  let outputs: [ResolvedOutput]

  var isThreaded: Bool { action.role != nil }
}

/// A value that a call writes back, resolved.
struct ResolvedOutput: Sendable {
  let name: String
  let type: ValueType
  let term: Term
  let answers: [Outcome]
}

/// Where a thread's cells are.
struct ThreadLayout: Sendable {
  let role: SortID
  let location: Int
  let frame: Int
}

/// A property with its condition resolved.
public struct ResolvedProperty: Sendable {
  public internal(set) var property: Property
  let term: Term
  /// The left side of the outermost implication, when there is one.
  let premise: Term?
  /// For a `Possible`: the states that count when its refusals are named.
  let after: Term?
  let registerCount: Int
  /// A property that every spec with threads has, such as `no-deadlock`.
  public let isBuiltIn: Bool
  /// For a `LeadsTo`: one claim for every element that it is made for.
  public internal(set) var leadsTo: [LeadsToInstance] = []
  /// For a `LeadsTo`: the scope's parameters alone make its premise false.
  public internal(set) var isRuledOut = false
  public var hasPremise: Bool { premise != nil }
  /// A scenario is run by the interpreter, not searched for.
  public var isScenario: Bool {
    if case .scenario = property.kind { true } else { false }
  }
}

/// A spec at a scope: cells, procedures, properties. Nothing is unrolled.
///
/// The interpreter works on this; grounding turns it into a `GroundProgram`.
public struct Program: Sendable {
  public let spec: SpecDescription
  public let scope: ResolvedScope
  public let cells: [CellInfo]
  /// The initial state, one number a cell.
  public internal(set) var initial: [Int]
  /// The procedures whose first step waits for what the scope's parameters rule out.
  var neverBegun: Set<Int> = []
  public let outcomes: [Outcome]
  public let checks: [CheckInfo]
  public internal(set) var properties: [ResolvedProperty]
  let procedures: [Procedure]
  let threads: [ThreadLayout]
  /// Location number to procedure and node; entry 0 is idle.
  let locations: [(procedure: Int, node: Int)]
  let variables: [VariableID: VariableLayout]
  /// Some release is part of the step before it, so that steps are missing.
  public let fusesReleases: Bool

  /// Whether the procedure is one of the thread's role and part, and can begin at this scope.
  func mayRun(_ procedure: Procedure, _ thread: Int) -> Bool {
    procedure.action.role == threads[thread].role && !neverBegun.contains(procedure.index)
      && scope.permits(thread, procedure.action.name)
  }

  public var hasThreads: Bool { !threads.isEmpty }
  public var threadCount: Int { threads.count }
}

extension Program {
  /// Whether any thread is inside a call.
  public func isBusy(_ state: [Int]) -> Bool {
    threads.contains { state[$0.location] != 0 }
  }
}
