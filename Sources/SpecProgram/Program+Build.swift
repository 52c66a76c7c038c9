import SpecLanguage

/// What may be left out of the state graph without changing a verdict.
public struct ProgramOptions: Hashable, Sendable {
  /// A release that nobody can tell from the step before it is part of that step.
  public var fuseReleases = true
  /// Nothing is claimed, not even the built-in properties: enough to carry calls out.
  public var withoutProperties = false

  public init(fuseReleases: Bool = true, withoutProperties: Bool = false) {
    self.fuseReleases = fuseReleases
    self.withoutProperties = withoutProperties
  }
}

extension Program {
  /// Resolves a spec at a scope.
  ///
  /// - Throws: `TDX1xxx` for a mistake in the spec, with its location.
  public init(
    _ spec: SpecDescription, _ scope: ResolvedScope, _ options: ProgramOptions = .init()
  ) throws(SpecError) {
    var builder = ProgramBuilder(spec: spec, scope: scope)
    let quiet = options.fuseReleases ? spec.quietLocks : []
    try builder.lowerActions(quiet)
    try builder.layOutVariables()
    try builder.layOutThreads()
    let resolver = builder.resolver()
    let procedures = try builder.resolveProcedures(resolver)
    self.spec = spec
    self.scope = scope
    fusesReleases = !quiet.isEmpty
    cells = builder.cells
    initial = builder.initial
    outcomes = builder.outcomes
    checks = builder.checks
    self.procedures = procedures
    threads = builder.threads
    locations = builder.locations
    variables = builder.variables
    properties = []
    if options.withoutProperties { return }
    properties = try builder.resolveProperties(resolver) + builtInProperties()
    try settleInitialState(resolver)
    try settleProcedures(resolver)
    try settleExpectations(resolver)
    for property in spec.properties {
      if case .scenario(let calls, _) = property.kind { try validate(calls) }
      if case .leadsTo(let claim) = property.kind { try validate(claim.fairness) }
      if let claim = property.refinement { try validate(claim, of: property) }
    }
  }
}

/// The steps of building a `Program`.
struct ProgramBuilder {
  let spec: SpecDescription
  let scope: ResolvedScope
  var flows: [Flow<Node>] = []
  var checks: [CheckInfo] = []
  var outcomes: [Outcome] = [.ok]
  var cells: [CellInfo] = []
  var initial: [Int] = []
  var variables: [VariableID: VariableLayout] = [:]
  var threads: [ThreadLayout] = []
  var locations: [(procedure: Int, node: Int)] = [(-1, -1)]
  var frameCells: [[(offset: Int, setCount: Int?)]] = []
  var frameSpans: [[Int]] = []

  init(spec: SpecDescription, scope: ResolvedScope) {
    self.spec = spec
    self.scope = scope
  }

  mutating func lowerActions(_ quiet: Set<LockDeclaration>) throws(SpecError) {
    var names: Set<String> = []
    for action in spec.actions {
      guard names.insert(action.name).inserted else {
        throw SpecError(
          "TDX1106", "two actions are called '\(action.name)'", at: action.location)
      }
      var lowering = Lowering(
        action, quietLocks: quiet, checks: checks, reader: ExpressionReader(spec))
      if action.role == nil {
        try lowering.lowerOneStep(action)
      } else {
        try lowering.lowerProcedure(action)
      }
      checks = lowering.checks
      flows.append(lowering.flow)
    }
    collectOutcomes()
    for (procedure, flow) in flows.enumerated() where flow.action.role != nil {
      for (node, content) in flow.nodes.enumerated() where content.isBoundary {
        locations.append((procedure, node))
      }
    }
  }

  /// Numbers every outcome that something answers, compares with or starts as.
  private mutating func collectOutcomes() {
    func add(_ outcome: Outcome) {
      if !outcomes.contains(outcome) { outcomes.append(outcome) }
    }
    func look(_ expression: Node) {
      expression.visit { if case .outcome(let outcome) = $0 { add(outcome) } }
    }
    for node in flows.flatMap(\.nodes) {
      if case .end(let outcome) = node { add(outcome) }
      node.expressions.forEach(look)
    }
    for variable in spec.variables { look(variable.declaration.initial) }
    for property in spec.properties {
      look(property.condition)
      if case .possible(_, _, let after?) = property.kind { look(after) }
    }
  }

  // MARK: Cells

  mutating func layOutVariables() throws(SpecError) {
    for variable in spec.variables {
      let declaration = variable.declaration
      var indices: [(low: Int, count: Int, stride: Int)] = []
      for type in declaration.indices {
        let span = try scope.span(of: type)
        indices.append((span.low, span.count, 0))
      }
      let setSort: SortID? = if case .set(let sort) = declaration.type { sort } else { nil }
      let setCount = try setSort.map { sort throws(SpecError) in
        try scope.everything(of: sort).nonzeroBitCount
      }
      var stride = setCount ?? 1
      for position in indices.indices.reversed() {
        indices[position].stride = stride
        stride *= indices[position].count
      }
      variables[declaration.id] = VariableLayout(
        base: cells.count, indices: indices, setCount: setCount, cellCount: stride)
      try addCells(variable, indices.map(\.count), setSort, setCount)
    }
  }

  private mutating func addCells(
    _ variable: NamedVariable, _ counts: [Int], _ setSort: SortID?, _ setCount: Int?
  ) throws(SpecError) {
    let declaration = variable.declaration
    let span =
      setCount == nil ? try scope.span(of: declaration.type) : (count: 2, low: 0)
    let start = try initialValue(declaration.initial, declaration, span)
    let positions = counts.reduce(1, *)
    for position in 0..<positions {
      var names: [String] = []
      var rest = position
      for (type, count) in zip(declaration.indices, counts).reversed() {
        names.insert(Reading.value(rest % count, of: type), at: 0)
        rest /= count
      }
      let suffix = names.isEmpty ? "" : "[\(names.joined(separator: ","))]"
      for member in 0..<(setCount ?? 1) {
        let element = setSort.map { " ∋ \($0.letter)\(member)" } ?? ""
        cells.append(
          CellInfo(
            name: variable.name + suffix + element, role: .variable(declaration.id),
            type: setCount == nil ? declaration.type : .bool, isMember: setCount != nil,
            count: span.count, low: span.low, isGhost: declaration.kind == .ghost))
        initial.append(setCount == nil ? start - span.low : (start >> member) & 1)
      }
    }
  }

  private func initialValue(
    _ initial: Node, _ declaration: VariableDeclaration, _ span: (count: Int, low: Int)
  ) throws(SpecError) -> Int {
    switch initial {
    case .literal(let value, _):
      if case .set = declaration.type { return value }
      guard value >= span.low, value - span.low < span.count else {
        throw SpecError(
          "TDX1009", "the initial value \(value) is outside the variable's range",
          at: declaration.location)
      }
      return value
    case .fullSet(let sort): return try scope.everything(of: sort)
    case .outcome(let outcome): return outcomes.firstIndex(of: outcome) ?? 0
    case .some(let present): return try initialValue(present, declaration, span) + 1
    default: return span.low  // `settleInitialState` sets what the parameters say.
    }
  }

  mutating func layOutThreads() throws(SpecError) {
    var slots: [Int] = []
    for flow in flows {
      var offsets: [(offset: Int, setCount: Int?)] = []
      var spans: [Int] = []
      var next = 0
      for entry in flow.frame {
        var span = try scope.span(of: entry.type).count
        if case .outcome = entry.type { span = outcomes.count }
        spans.append(span)
        let sort: SortID? = if case .set(let sort) = entry.type { sort } else { nil }
        let setCount = try sort.map { sort throws(SpecError) in try scope.size(of: sort) }
        offsets.append((next, setCount))
        for _ in 0..<(setCount ?? 1) where flow.action.role != nil {
          let width = setCount == nil ? span : 2
          if next == slots.count { slots.append(width) }
          slots[next] = max(slots[next], width)
          next += 1
        }
      }
      frameCells.append(offsets)
      frameSpans.append(spans)
    }
    for role in scope.roles {
      for thread in role.threads { addThread(thread, role.role, slots) }
    }
  }

  private mutating func addThread(_ thread: Int, _ role: SortID, _ slots: [Int]) {
    threads.append(
      ThreadLayout(role: role, location: cells.count, frame: cells.count + 1))
    cells.append(
      CellInfo(
        name: "thread \(thread) location", role: .location(thread: thread),
        type: .integer(0...max(0, locations.count - 1)), isMember: false,
        count: max(1, locations.count), low: 0, isGhost: false))
    initial.append(0)
    for (slot, count) in slots.enumerated() {
      cells.append(
        CellInfo(
          name: "thread \(thread) slot \(slot)", role: .frame(thread: thread, slot: slot),
          type: .integer(0...max(0, count - 1)), isMember: false, count: count, low: 0,
          isGhost: false))
      initial.append(0)
    }
  }
}
