import SpecLanguage

/// What a step is for the called action that it is inside of.
public struct CalledStep: Hashable, Sendable {
  /// The innermost called action.
  public let called: String
  /// It is the first step of the called action.
  public let begins: Bool
  /// The answer, when the called action ends with this step.
  public let answer: Outcome?
}

/// Tells begins, ends and answers of called actions that call nothing themselves, such as
/// SEAMCALLs.
public struct CalledSteps: Sendable {
  /// Whether the step without a refusal is the last; by procedure and node.
  private var isLast: [[Int]: Bool] = [:]
  private let names: Set<String>
  private let program: Program

  public init(_ program: Program) {
    self.program = program
    var plain: Set<String> = []
    var others: Set<String> = []
    for action in program.spec.actions { Self.look(action.body, &plain, &others) }
    for procedure in program.procedures where procedure.isThreaded {
      let flow = CalledFlow(procedure)
      for (node, info) in procedure.info.enumerated() where info.path.count > 1 {
        guard procedure.nodes[node].isBoundary, flow.reachable.contains(node) else { continue }
        let after = flow.after(node, path: info.path)
        isLast[[procedure.index, node]] = after.leaves
        // Whether the call goes on must be plain from the step alone.
        if after.leaves && after.stays, let name = info.path.last { others.insert(name) }
      }
    }
    names = plain.subtracting(others)
  }

  /// The actions whose answers can be told, in no order.
  public var known: Set<String> { names }

  /// - Returns: `nil` outside of such an action.
  public func step(_ kind: StepKind) -> CalledStep? {
    let path = program.path(of: kind)
    guard path.count > 1, let called = path.last, names.contains(called) else { return nil }
    var answer: Outcome?
    if let check = kind.refusedBy {
      answer = program.checks[check].outcome
    } else if isLast[[kind.procedure, kind.node]] == true {
      answer = .ok
    }
    return CalledStep(
      called: called, begins: program.entering(kind).contains(called), answer: answer)
  }

  /// Sorts called actions into those that only checks and the end answer, and others.
  private static func look(
    _ body: [Statement], _ plain: inout Set<String>, _ others: inout Set<String>
  ) {
    for statement in body {
      if case .call(let action, _) = statement.kind {
        plain.insert(action.name)
        if action.body.contains(where: \.returnsOrCalls) { others.insert(action.name) }
        look(action.body, &plain, &others)
      }
      for inner in statement.innerBodies { look(inner, &plain, &others) }
    }
  }
}

extension Statement {
  /// The statements inside this one, those of called actions left out.
  fileprivate var innerBodies: [[Statement]] {
    switch kind {
    case .when(_, let yes, let no): [yes, no]
    case .each(_, let body), .forEach(_, _, _, let body), .step(_, let body),
      .holding(_, let body), .tryHolding(_, _, let body), .repeating(let body, _):
      [body]
    default: []
    }
  }

  fileprivate var returnsOrCalls: Bool {
    switch kind {
    case .returns, .returnLocal, .call: true
    default: innerBodies.contains { $0.contains(where: \.returnsOrCalls) }
    }
  }
}
