import SpecLanguage

/// A kind of transition: who does what to which call.
///
/// Everything of a label that is of interest outside of a replay.
public struct StepKind: Hashable, Sendable {
  public let thread: Int?
  /// The step, as an index into procedures and their nodes.
  public let procedure: Int
  public let node: Int
  /// The call begins with this step; a one-step action does nothing else.
  public let begins: Bool
  /// The arguments of the call; empty unless it begins.
  public let arguments: [Int]
  public let refusedBy: Int?
  /// Index of the answer, when the call ends with this step.
  public let outcome: Int?
}

/// Which cells of a variable a call is about.
public struct CallSubject: Hashable, Sendable {
  public let cells: [Int]
  /// `memslot[f]`, `memslot[fileOf(p)]`, `memslot of some File`, `td_lifecycle`.
  public let text: String
}

extension Program {
  /// What a label says, without what only a replay needs.
  public func kind(of label: TransitionLabel) -> StepKind {
    let begins = label.thread == nil || label.source == 0
    let count = begins ? argumentCount(label) : 0
    return StepKind(
      thread: label.thread, procedure: label.procedure, node: label.node, begins: begins,
      arguments: Array(label.choice.prefix(count)), refusedBy: label.refusedBy,
      outcome: label.outcome)
  }

  /// Index of an action's procedure.
  public func procedure(of action: String) -> Int? {
    procedures.firstIndex { $0.action.name == action }
  }

  /// The cells of a variable that a call with these arguments is about: of an indexed variable, the
  /// one that an argument names, or a constant table of an argument; otherwise all of them.
  ///
  /// - Returns: `nil` for a variable that the program does not have.
  public func subject(
    of variable: NamedVariable, in procedure: Int, arguments: [Int]
  ) -> CallSubject? {
    guard let layout = variables[variable.declaration.id] else { return nil }
    var cells = [layout.base]
    var names: [String] = []
    var isOne = true
    let types = variable.declaration.indices
    for (type, index) in zip(types, layout.indices) {
      let element = element(type, procedures[procedure].action.arguments, arguments)
      if let element {
        names.append(element.name)
        cells = cells.map { $0 + element.value * index.stride }
      } else {
        isOne = false
        cells = cells.flatMap { cell in (0..<index.count).map { cell + $0 * index.stride } }
      }
    }
    let name = variable.name
    if isOne {
      return CallSubject(
        cells: cells, text: names.isEmpty ? name : "\(name)[\(names.joined(separator: ","))]")
    }
    let sorts = types.map { if case .element(let sort) = $0 { sort.name } else { "index" } }
    return CallSubject(
      cells: cells, text: "\(name) of some \(sorts.joined(separator: " and "))")
  }

  /// The element of an index's sort that the arguments name.
  private func element(
    _ type: ValueType, _ arguments: [ActionArgument], _ values: [Int]
  ) -> (value: Int, name: String)? {
    for (argument, value) in zip(arguments, values) where argument.bound.type == type {
      return (value, argument.name)
    }
    guard case .element = type else { return nil }
    for constant in spec.constants where constant.value == type {
      let key = ValueType.element(constant.key)
      for (argument, value) in zip(arguments, values) where argument.bound.type == key {
        guard let table = tables.first(where: { $0.name == constant.name }),
          table.values.indices.contains(value)
        else { continue }
        return (table.values[value], "\(constant.name)(\(argument.name))")
      }
    }
    return nil
  }

  /// What each step is inside of: the action's name, then those called, innermost last.
  public func path(of kind: StepKind) -> [String] {
    procedures[kind.procedure].info[kind.node].path
  }

  /// The called actions that begin with this step.
  public func entering(_ kind: StepKind) -> Set<String> {
    procedures[kind.procedure].info[kind.node].entering
  }
}
