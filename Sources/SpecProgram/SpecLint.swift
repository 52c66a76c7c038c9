import SpecLanguage

/// Remarks about a spec that can be made without exploring it.
public struct SpecLint {
  /// One remark: a code, a sentence, a place.
  public struct Remark: Hashable, Sendable {
    public let code: String
    public let message: String
    public let location: SourceLocation?
  }

  private let spec: SpecDescription
  private var written: Set<VariableID> = []
  private var mentioned: Set<String> = []

  public init(_ spec: SpecDescription) {
    self.spec = spec
    for action in spec.actions { look(action.body) }
    for property in spec.properties { note(property.condition) }
    for variable in spec.variables { note(variable.declaration.initial) }
  }

  public var remarks: [Remark] { neverWritten + unusedCases }

  private var neverWritten: [Remark] {
    spec.variables.filter {
      $0.declaration.kind == .state && !written.contains($0.declaration.id)
    }.map {
      Remark(
        code: "TDX4001", message: "\($0.name) is never written",
        location: $0.declaration.location)
    }
  }

  /// Cases of an enumeration that nothing writes, compares or starts with.
  private var unusedCases: [Remark] {
    var result: [Remark] = []
    var seen: Set<ValueType> = []
    for variable in spec.variables {
      guard case .enumeration(let name, let cases) = variable.declaration.type,
        seen.insert(variable.declaration.type).inserted
      else { continue }
      for value in cases where !mentioned.contains("\(name).\(value)") {
        result.append(
          Remark(
            code: "TDX4002", message: "the case \(name).\(value) is never used",
            location: variable.declaration.location))
      }
    }
    return result
  }

  private mutating func look(_ body: [Statement]) {
    for statement in body {
      switch statement.kind {
      case .assign(let variable, _, _): written.insert(variable)
      case .when(_, let yes, let no):
        look(yes)
        look(no)
      case .each(_, let inner), .forEach(_, _, _, let inner), .step(_, let inner),
        .holding(_, let inner), .tryHolding(_, _, let inner), .repeating(let inner, _):
        look(inner)
      case .call(let action, _): look(action.body)
      default: break
      }
    }
    var nodes: [Node] = []
    body.visitExpressions { nodes.append($0) }
    for node in nodes { note(node) }
  }

  private mutating func note(_ node: Node) {
    var found: [String] = []
    node.visit {
      if case .literal(let value, .enumeration(let name, let cases)) = $0,
        cases.indices.contains(value)
      {
        found.append("\(name).\(cases[value])")
      }
    }
    mentioned.formUnion(found)
  }

  /// A ghost that behaviour reads is no ghost: an error, not a remark.
  ///
  /// - Throws: `TDX1109` with the place of the statement.
  public func checkGhosts() throws(SpecError) {
    let ghosts = Set(
      spec.variables.filter { $0.declaration.kind == .ghost }.map(\.declaration.id))
    var tainted: Set<LocalID> = []
    for action in spec.actions { collect(action.body, ghosts, &tainted) }
    for action in spec.actions { try refuse(action.body, ghosts, tainted) }
  }

  private func reads(_ node: Node, _ ghosts: Set<VariableID>, _ tainted: Set<LocalID>) -> Bool {
    node.any {
      switch $0 {
      case .read(let id, _): ghosts.contains(id)
      case .local(let local): tainted.contains(local)
      default: false
      }
    }
  }

  /// Locals that hold what a ghost held are ghosts too.
  private func collect(
    _ body: [Statement], _ ghosts: Set<VariableID>, _ tainted: inout Set<LocalID>
  ) {
    for statement in body {
      if case .assignLocal(let local, let value) = statement.kind, reads(value, ghosts, tainted) {
        tainted.insert(local)
      }
      for inner in statement.bodies { collect(inner, ghosts, &tainted) }
    }
  }

  private func refuse(
    _ body: [Statement], _ ghosts: Set<VariableID>, _ tainted: Set<LocalID>
  ) throws(SpecError) {
    for statement in body {
      var guards: [Node] = []
      switch statement.kind {
      case .require(let condition), .check(let condition, _): guards = [condition]
      case .assign(let id, let indices, let value):
        guards = indices + (ghosts.contains(id) ? [] : [value])
      case .when(let condition, let yes, let no):
        // A condition that only leads to ghosts being written changes nothing else.
        if !(yes + no).allSatisfy({ $0.writesOnly(ghosts, tainted) }) { guards = [condition] }
      case .repeating(_, let condition): guards = [condition]
      default: break
      }
      guard !guards.contains(where: { reads($0, ghosts, tainted) }) else {
        throw SpecError(
          "TDX1109", "behaviour reads a Ghost", at: statement.location,
          suggestion: "a Ghost records history for properties; use Var for state")
      }
      for inner in statement.bodies { try refuse(inner, ghosts, tainted) }
    }
  }
}

extension Statement {
  /// The statements inside this one.
  fileprivate var bodies: [[Statement]] {
    switch kind {
    case .when(_, let yes, let no): [yes, no]
    case .each(_, let body), .forEach(_, _, _, let body), .step(_, let body),
      .holding(_, let body), .tryHolding(_, _, let body), .repeating(let body, _):
      [body]
    case .call(let action, _): [action.body]
    default: []
    }
  }

  fileprivate func writesOnly(_ ghosts: Set<VariableID>, _ tainted: Set<LocalID>) -> Bool {
    switch kind {
    case .assign(let id, _, _): ghosts.contains(id)
    case .assignLocal(let local, _): tainted.contains(local)
    case .when(_, let yes, let no): (yes + no).allSatisfy { $0.writesOnly(ghosts, tainted) }
    case .each(_, let body), .step(_, let body):
      body.allSatisfy { $0.writesOnly(ghosts, tainted) }
    default: false
    }
  }
}
