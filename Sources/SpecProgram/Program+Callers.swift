import SpecLanguage

/// An action that a caller who runs alone can make, or an event of the environment.
public struct CallerAction: Sendable {
  /// Index of the procedure.
  public let procedure: Int
  public let name: String
  /// The first thread that may make the call; `nil` for a one-step action.
  public let thread: Int?
  /// In order, with how many values each has.
  public let arguments: [(name: String, type: ValueType, count: Int)]
  public let location: SourceLocation

  /// Every tuple of arguments, in lexicographic order.
  public var choices: [[Int]] { Array(Combinations(arguments.map(\.count))) }
}

extension Program {
  /// The actions that can begin at this scope, in order of declaration.
  public var callerActions: [CallerAction] {
    procedures.compactMap { procedure in
      let thread = threads.indices.first { mayRun(procedure, $0) }
      guard procedure.isThreaded ? thread != nil : !neverBegun.contains(procedure.index) else {
        return nil
      }
      let arguments = zip(procedure.action.arguments, procedure.frameSpans).map {
        (name: $0.name, type: $0.bound.type, count: $1)
      }
      return CallerAction(
        procedure: procedure.index, name: procedure.action.name,
        thread: procedure.isThreaded ? thread : nil, arguments: arguments,
        location: procedure.action.location)
    }
  }

  /// The cells of a variable with their names; none when the spec has no such variable.
  public func cells(ofVariable name: String) -> [(cell: Int, name: String)] {
    guard let variable = spec.variables.first(where: { $0.name == name })?.declaration.id else {
      return []
    }
    return cells.indices.filter { cells[$0].role == .variable(variable) }.map {
      ($0, cells[$0].name)
    }
  }
}
